# What somebody should be told of.

module "alerts" {
  source         = "./modules/alerts"
  name           = local.prefix
  resource_group = { name = azurerm_resource_group.this.name, id = azurerm_resource_group.this.id }
  location       = var.region
  tags           = var.tags
  emails         = var.alert_emails
  budget         = var.budget_monthly_usd
  metrics        = local.metrics
  answering      = var.min_replicas > 0 ? { url = local.url, insights_id = module.logs.insights_id } : null
}

locals {
  metrics = merge(
    var.bus == "store" ? {} : { dead-letters = {
      description = "A message that nobody could use was put aside, with the reason: docs/buses.md."
      scope       = module.bus[0].dead_letters.scope
      namespace   = module.bus[0].dead_letters.namespace
      metric      = module.bus[0].dead_letters.metric
      aggregation = module.bus[0].dead_letters.aggregation
      above       = 0
      dimensions  = { EntityName = [module.bus[0].dead_letters.entity] }
      severity    = 1
    } },
    # At no time in a quarter of an hour was the queue empty. Event Hubs has no metric of what a group has not read.
    var.bus != "servicebus" ? {} : { waiting = {
      description = "Messages wait and nobody takes them: workers do not start, or there are too few. docs/deploy/azure.md."
      scope       = module.bus[0].dead_letters.scope
      namespace   = module.bus[0].dead_letters.namespace
      metric      = "ActiveMessages"
      aggregation = "Minimum"
      above       = 0
      dimensions  = { EntityName = [module.bus[0].dead_letters.entity] }
      severity    = 1
      window      = "PT15M"
    } },
    { errors = {
      description = "The API answers with 5xx."
      scope       = local.api_id
      namespace   = local.functions ? "Microsoft.Web/sites" : "Microsoft.App/containerApps"
      metric      = local.functions ? "Http5xx" : "Requests"
      aggregation = "Total"
      above       = 5
      dimensions  = local.functions ? {} : { statusCodeCategory = ["5xx"] }
    } },
    { for name, id in local.job_ids : "${name}-failed" => {
      description = "Executions of ${name} fail."
      scope       = id
      namespace   = "Microsoft.App/jobs"
      metric      = "Executions"
      aggregation = "Total"
      above       = 3
      dimensions  = { state = ["Failed"] }
      window      = "PT15M"
    } },
    !local.managed ? {} : {
      storage = {
        description = "The database's disk is nearly full. It grows by itself, up to what its size allows."
        scope       = module.database[0].id
        namespace   = "Microsoft.DBforPostgreSQL/flexibleServers"
        metric      = "storage_percent"
        aggregation = "Average"
        above       = 85
      }
      connections = {
        description = "The database has hardly a connection left: take a larger database_size."
        scope       = module.database[0].id
        namespace   = "Microsoft.DBforPostgreSQL/flexibleServers"
        metric      = "active_connections"
        aggregation = "Maximum"
        above       = floor(0.9 * lookup(local.connections, var.database_size, 844))
      }
    },
  )
}
