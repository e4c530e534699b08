# agentcore on Azure: docs/deploy/azure.md.

data "azurerm_client_config" "current" {}

resource "random_string" "suffix" {
  length  = 5
  upper   = false
  special = false
}

resource "azurerm_resource_group" "this" {
  name     = local.prefix
  location = var.region
  tags     = var.tags

  lifecycle {
    precondition {
      condition     = !local.functions || var.bus != "store"
      error_message = "compute = functions needs a bus that calls functions: set bus to servicebus or eventhubs."
    }
    precondition {
      condition     = !local.functions || var.wakeup_schedule == "* * * * *"
      error_message = "wakeup_schedule: with compute = functions the timer is in the code (functions/timer_wakeup), every minute."
    }
    precondition {
      condition     = !local.functions || var.slice_seconds == 600
      error_message = "slice_seconds: with compute = functions a slice is as long as functionTimeout in functions/host.json, 600."
    }
    precondition {
      condition     = var.min_replicas <= var.max_replicas
      error_message = "min_replicas must not be more than max_replicas."
    }
    precondition {
      condition     = !strcontains(var.auth, "oidc") || (var.oidc_issuer != "" && var.oidc_audience != "")
      error_message = "auth = oidc needs oidc_issuer and oidc_audience."
    }
    precondition {
      condition     = !local.managed || local.pool >= 1
      error_message = "database_size has too few connections for max_replicas and max_workers: each needs two. Take B_Standard_B2s, or fewer of them."
    }
    precondition {
      condition     = var.registry_id == null || endswith(local.image_host, ".azurecr.io")
      error_message = "registry_id is an Azure registry, and image names another one: begin image with NAME.azurecr.io/, or unset registry_id."
    }
  }
}

resource "azurerm_container_registry" "this" {
  count               = local.own_registry ? 1 : 0
  name                = "${replace(local.prefix, "-", "")}${local.suffix}"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  sku                 = "Basic"
  admin_enabled       = false
  tags                = var.tags

  lifecycle {
    postcondition {
      condition     = contains(["", self.login_server], local.image_host)
      error_message = "image is in the registry ${local.image_host}, and ${self.login_server} was made: set registry_id, or leave the host out of image."
    }
  }
}

module "logs" {
  source              = "./modules/logs"
  name                = local.prefix
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = var.tags
  retention_days      = var.retention_days
}

module "network" {
  source              = "./modules/network"
  count               = local.managed ? 1 : 0
  name                = local.prefix
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = var.tags
  address_space       = var.address_space
  functions           = local.functions
}

module "database" {
  source              = "./modules/database"
  count               = local.managed ? 1 : 0
  name                = "${local.prefix}-${local.suffix}"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = var.tags
  size                = var.database_size
  subnet_id           = module.network[0].database_subnet_id
  zone_id             = module.network[0].database_zone_id
  high_availability   = var.high_availability
  deletion_protection = var.deletion_protection
  administrator = {
    name         = azurerm_user_assigned_identity.this["migrate"].name
    principal_id = azurerm_user_assigned_identity.this["migrate"].principal_id
    tenant_id    = azurerm_user_assigned_identity.this["migrate"].tenant_id
  }
}

module "bus" {
  source         = "./modules/bus"
  count          = var.bus == "store" ? 0 : 1
  kind           = var.bus
  name           = "${local.prefix}-${local.suffix}"
  resource_group = { name = azurerm_resource_group.this.name, id = azurerm_resource_group.this.id }
  location       = var.region
  tags           = var.tags
  attempts       = tonumber(lookup(var.settings, "AGENTCORE_BUS_ATTEMPTS", "10"))
  max_workers    = var.max_workers
  scaler_key     = local.scaler_key
}

# The scaler's key goes from Event Hubs to Key Vault, and is kept nowhere on the way.
ephemeral "azapi_resource_action" "scaler" {
  count                  = local.scaler_key ? 1 : 0
  type                   = "Microsoft.EventHub/namespaces/eventhubs/authorizationRules@2024-01-01"
  resource_id            = module.bus[0].scaler_rule_id
  action                 = "listKeys"
  response_export_values = { connection = "primaryConnectionString" }
}

module "vault" {
  source              = "./modules/vault"
  name                = "${trimsuffix(substr(local.prefix, 0, 18), "-")}-${local.suffix}"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = var.tags
  deletion_protection = var.deletion_protection
  writers             = var.deployers
  names               = local.secret_names
  values_version      = var.secrets_version
  values = merge(
    var.secrets,
    local.managed ? {} : { AGENTCORE_DATABASE_URL = var.database_url },
    # null where it cannot be had, which Key Vault refuses
    local.scaler_key ? { EVENTHUBS_SCALER = try(ephemeral.azapi_resource_action.scaler[0].output.connection, null) } : {},
  )
}
