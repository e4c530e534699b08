# The bus: a Service Bus queue, or an event hub by its Kafka endpoint.

variable "kind" { type = string }
variable "name" { type = string }
variable "resource_group" { type = object({ name = string, id = string }) }
variable "location" { type = string }
variable "tags" { type = map(string) }

variable "attempts" {
  type        = number
  description = "AGENTCORE_BUS_ATTEMPTS: after so many we put a message aside, with the reason."
}

variable "max_workers" { type = number }

variable "scaler_key" {
  type        = bool
  description = "Whether something scales by the hub's lag: KEDA's Kafka scaler signs in with a key, and with nothing else."
}

locals {
  hubs = var.kind == "eventhubs" ? 1 : 0
}

resource "azurerm_servicebus_namespace" "this" {
  count               = var.kind == "servicebus" ? 1 : 0
  name                = var.name
  resource_group_name = var.resource_group.name
  location            = var.location
  sku                 = "Standard"
  local_auth_enabled  = false # identities only: there are no keys to lose
  minimum_tls_version = "1.2"
  tags                = var.tags
}

resource "azurerm_servicebus_queue" "this" {
  count        = var.kind == "servicebus" ? 1 : 0
  name         = "runs"
  namespace_id = azurerm_servicebus_namespace.this[0].id
  # Held while a run is claimed, and 20 s more where that fails; not while it executes.
  lock_duration = "PT1M"
  # Above ours, else Service Bus puts messages aside first, and without a reason.
  max_delivery_count                   = var.attempts + 10
  dead_lettering_on_message_expiration = true
}

# By azapi and not azurerm, which keeps the keys of namespaces and rules in the state. Here they open something.
resource "azapi_resource" "namespace" {
  count     = local.hubs
  type      = "Microsoft.EventHub/namespaces@2024-01-01"
  name      = var.name
  parent_id = var.resource_group.id
  location  = var.location
  tags      = var.tags
  body = {
    sku = { name = "Standard", tier = "Standard", capacity = 1 } # Basic has no Kafka endpoint
    properties = {
      disableLocalAuth  = !var.scaler_key
      minimumTlsVersion = "1.2"
    }
  }
}

resource "azurerm_eventhub" "this" {
  count           = local.hubs
  name            = "runs"
  namespace_id    = azapi_resource.namespace[0].id
  partition_count = min(32, max(2, var.max_workers)) # a worker without a partition has nothing to do
  retention_description {
    cleanup_policy          = "Delete"
    retention_time_in_hours = 24
  }
  lifecycle {
    ignore_changes = [partition_count] # it cannot change; more workers need a new hub
  }
}

resource "azurerm_eventhub" "dead" {
  count           = local.hubs
  name            = "runs-dead"
  namespace_id    = azapi_resource.namespace[0].id
  partition_count = 1
  retention_description {
    cleanup_policy          = "Delete"
    retention_time_in_hours = 168 # the longest there is: somebody has to look first
  }
}

resource "azapi_resource" "scaler" {
  count     = var.scaler_key ? local.hubs : 0
  type      = "Microsoft.EventHub/namespaces/eventhubs/authorizationRules@2024-01-01"
  name      = "scaler"
  parent_id = azurerm_eventhub.this[0].id
  body      = { properties = { rights = ["Listen"] } }
}
