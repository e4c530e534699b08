# One Flex Consumption app with the three functions. Its code is deployed into it after apply: docs/deploy/azure.md.
#
# By azapi: azurerm 5.10 writes a storage connection string without a key beside the identity, which the host then
# prefers, and cannot say which identity reads Key Vault.

variable "name" { type = string }
variable "storage_name" { type = string }
variable "resource_group" { type = object({ name = string, id = string }) }
variable "location" { type = string }
variable "tags" { type = map(string) }
variable "identity" { type = object({ id = string, client_id = string }) }
variable "subnet_id" { type = string }
variable "storage_id" { type = string }
variable "storage_endpoint" { type = string }
variable "insights_connection" { type = string }

variable "variables" {
  type        = map(string)
  description = "The environment."
}

variable "secrets" {
  type        = map(string)
  description = "Variables whose values are in Key Vault: what references them."
}

variable "bus" {
  type        = object({ connection = string, host = string })
  description = "The trigger's connection, as docs/hosts.md calls it, and its server."
}

variable "instances" { type = object({ least = number, most = number }) }

locals {
  by_identity = { credential = "managedidentity", clientId = var.identity.client_id }
  host_settings = merge(
    { for name, value in merge(local.by_identity, { accountName = var.storage_name }) : "AzureWebJobsStorage__${name}" => value },
    { for name, value in merge(local.by_identity, { fullyQualifiedNamespace = var.bus.host }) : "${var.bus.connection}__${name}" => value },
    {
      APPLICATIONINSIGHTS_CONNECTION_STRING     = var.insights_connection
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING = "ClientId=${var.identity.client_id};Authorization=AAD"
    },
  )
  settings = merge(
    local.host_settings,
    var.variables,
    { for name, reference in var.secrets : name => "@Microsoft.KeyVault(SecretUri=${reference})" },
  )
}

resource "azurerm_service_plan" "this" {
  name                = var.name
  resource_group_name = var.resource_group.name
  location            = var.location
  os_type             = "Linux"
  sku_name            = "FC1"
  tags                = var.tags
}

resource "azurerm_storage_container" "code" {
  name                  = "code"
  storage_account_id    = var.storage_id
  container_access_type = "private"
}

resource "azapi_resource" "app" {
  type      = "Microsoft.Web/sites@2024-11-01"
  name      = var.name
  parent_id = var.resource_group.id
  location  = var.location
  tags      = var.tags
  identity {
    type         = "UserAssigned"
    identity_ids = [var.identity.id]
  }
  body = {
    kind = "functionapp,linux"
    properties = {
      serverFarmId              = azurerm_service_plan.this.id
      httpsOnly                 = true
      keyVaultReferenceIdentity = var.identity.id
      virtualNetworkSubnetId    = var.subnet_id
      siteConfig = {
        minTlsVersion = "1.2"
        appSettings   = [for name in sort(keys(local.settings)) : { name = name, value = local.settings[name] }]
      }
      functionAppConfig = {
        deployment = {
          storage = {
            type           = "blobContainer"
            value          = "${var.storage_endpoint}${azurerm_storage_container.code.name}"
            authentication = { type = "UserAssignedIdentity", userAssignedIdentityResourceId = var.identity.id }
          }
        }
        runtime = { name = "python", version = "3.13" }
        scaleAndConcurrency = {
          instanceMemoryMB     = 2048
          maximumInstanceCount = var.instances.most
          alwaysReady          = var.instances.least > 0 ? [{ name = "http", instanceCount = var.instances.least }] : []
        }
      }
    }
  }
  ignore_null_property   = true
  response_export_values = { host = "properties.defaultHostName" }
}

# Nobody publishes with a password.
resource "azapi_update_resource" "no_passwords" {
  for_each  = toset(["ftp", "scm"])
  type      = "Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01"
  name      = each.key
  parent_id = azapi_resource.app.id
  body      = { properties = { allow = false } }
}

output "id" { value = azapi_resource.app.id }
output "name" { value = azapi_resource.app.name }
output "url" { value = "https://${azapi_resource.app.output.host}" }
