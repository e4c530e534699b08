# What runs: an environment of Container Apps with an app and jobs in it, or a Functions app. The migration is a job in
# both, and all else waits for it.

resource "azurerm_container_app_environment" "this" {
  name                     = local.prefix
  resource_group_name      = azurerm_resource_group.this.name
  location                 = var.region
  logs_destination         = "azure-monitor" # log-analytics would hand the workspace's key to it
  infrastructure_subnet_id = one(module.network[*].apps_subnet_id)
  tags                     = var.tags
  workload_profile {
    name                  = "Consumption"
    workload_profile_type = "Consumption"
  }
}

resource "azurerm_monitor_diagnostic_setting" "logs" {
  name                       = "logs"
  target_resource_id         = azurerm_container_app_environment.this.id
  log_analytics_workspace_id = module.logs.workspace_id
  dynamic "enabled_log" {
    for_each = toset(["ContainerAppConsoleLogs", "ContainerAppSystemLogs"])
    content {
      category = enabled_log.value
    }
  }
}

module "migration" {
  source              = "./modules/migration"
  name                = "${local.short}-migrate"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = var.tags
  environment_id      = azurerm_container_app_environment.this.id
  identity_id         = azurerm_user_assigned_identity.this["migrate"].id
  image               = local.image
  registry            = local.registry_server
  variables           = local.environments["migrate"]
  secrets             = local.references["migrate"]
  secrets_version     = var.secrets_version
  subscription_id     = data.azurerm_client_config.current.subscription_id
  run                 = var.run_migration
  members = { for name in local.managed ? local.roles : [] :
    azurerm_user_assigned_identity.this[name].name => azurerm_user_assigned_identity.this[name].principal_id
  }
  depends_on = [azurerm_role_assignment.this, azurerm_monitor_diagnostic_setting.logs] # what it says has to be found
}

module "http_chat" {
  source              = "./modules/app"
  count               = local.functions ? 0 : 1
  name                = "${local.short}-chat"
  resource_group_name = azurerm_resource_group.this.name
  tags                = var.tags
  environment_id      = azurerm_container_app_environment.this.id
  identity_id         = azurerm_user_assigned_identity.this["http_chat"].id
  image               = local.image
  registry            = local.registry_server
  command             = ["uvicorn"]
  arguments           = ["http_chat.asgi:app", "--host", "0.0.0.0", "--port", "8000", "--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "20"]
  size                = { cpu = 0.5, memory = "1Gi" }
  variables           = local.environments["http_chat"]
  secrets             = local.references["http_chat"]
  replicas            = { least = var.min_replicas, most = var.max_replicas }
  port                = 8000
  grace               = local.grace
  depends_on          = [module.migration]
}

# A bus starts workers; the database cannot. With bus = store one worker always runs, and more when it is busy.
module "queue_worker" {
  source              = "./modules/job"
  count               = !local.functions && var.bus != "store" ? 1 : 0
  name                = "${local.short}-worker"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = var.tags
  environment_id      = azurerm_container_app_environment.this.id
  identity_id         = azurerm_user_assigned_identity.this["queue_worker"].id
  image               = local.image
  registry            = local.registry_server
  arguments           = ["work", "--drain", "--max-seconds", tostring(local.worker_seconds)]
  size                = { cpu = 0.5, memory = "1Gi" }
  variables           = local.environments["queue_worker"]
  secrets             = local.references["queue_worker"]
  timeout             = local.worker_timeout
  trigger = { event = {
    type        = module.bus[0].scaler.type
    metadata    = module.bus[0].scaler.metadata
    most        = module.bus[0].scaler.most
    identity_id = local.scaler_key ? null : azurerm_user_assigned_identity.this["queue_worker"].id
    references  = local.scaler_key ? { password = module.vault.references["EVENTHUBS_SCALER"] } : {}
    values      = local.scaler_key ? { username = "$ConnectionString" } : {}
  } }
  depends_on = [module.migration]
}

module "store_worker" {
  source              = "./modules/app"
  count               = !local.functions && var.bus == "store" ? 1 : 0
  name                = "${local.short}-worker"
  resource_group_name = azurerm_resource_group.this.name
  tags                = var.tags
  environment_id      = azurerm_container_app_environment.this.id
  identity_id         = azurerm_user_assigned_identity.this["queue_worker"].id
  image               = local.image
  registry            = local.registry_server
  arguments           = ["work"]
  size                = { cpu = 0.5, memory = "1Gi" }
  variables           = local.environments["queue_worker"]
  secrets             = local.references["queue_worker"]
  replicas            = { least = 1, most = var.max_workers }
  grace               = local.grace
  depends_on          = [module.migration]
}

module "timer_wakeup" {
  source              = "./modules/job"
  count               = local.functions ? 0 : 1
  name                = "${local.short}-timer"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = var.tags
  environment_id      = azurerm_container_app_environment.this.id
  identity_id         = azurerm_user_assigned_identity.this["timer_wakeup"].id
  image               = local.image
  registry            = local.registry_server
  arguments           = ["tick"]
  size                = { cpu = 0.25, memory = "0.5Gi" }
  variables           = local.environments["timer_wakeup"]
  secrets             = local.references["timer_wakeup"]
  timeout             = 300 # two at once share the work
  trigger             = { schedule = var.wakeup_schedule }
  depends_on          = [module.migration]
}

resource "azurerm_storage_account" "functions" {
  count                           = local.functions ? 1 : 0
  name                            = "${substr(replace(local.prefix, "-", ""), 0, 19)}${local.suffix}"
  resource_group_name             = azurerm_resource_group.this.name
  location                        = var.region
  account_tier                    = "Standard"
  account_replication_type        = "LRS"
  min_tls_version                 = "TLS1_2"
  shared_access_key_enabled       = false
  allow_nested_items_to_be_public = false
  tags                            = var.tags
}

module "functions" {
  source              = "./modules/functions"
  count               = local.functions ? 1 : 0
  name                = "${local.prefix}-${local.suffix}"
  storage_name        = azurerm_storage_account.functions[0].name
  storage_id          = azurerm_storage_account.functions[0].id
  storage_endpoint    = azurerm_storage_account.functions[0].primary_blob_endpoint
  resource_group      = { name = azurerm_resource_group.this.name, id = azurerm_resource_group.this.id }
  location            = var.region
  tags                = var.tags
  subnet_id           = one(module.network[*].functions_subnet_id)
  insights_connection = module.logs.insights_connection
  variables           = local.environments["functions"]
  secrets             = local.references["functions"]
  instances           = { least = var.min_replicas, most = var.max_replicas + var.max_workers }
  identity            = { id = azurerm_user_assigned_identity.this["functions"].id, client_id = azurerm_user_assigned_identity.this["functions"].client_id }
  bus                 = { connection = var.bus == "eventhubs" ? "EventHubs" : "ServiceBus", host = one(module.bus[*].host) }
  depends_on          = [module.migration]
}

locals {
  url    = local.functions ? module.functions[0].url : module.http_chat[0].url
  api_id = local.functions ? module.functions[0].id : module.http_chat[0].id
  job_ids = merge(
    { for job in module.queue_worker : "worker" => job.id },
    { for job in module.timer_wakeup : "timer" => job.id },
  )
}
