output "url" {
  description = "Where the API answers."
  value       = local.url
}

output "environment_variables" {
  description = "What each function runs with; a secret as the secret of Key Vault that it refers to."
  value       = { for function, variables in local.environments : function => merge(variables, local.references[function]) }
}

output "database_host" {
  description = "The managed database; null where it is an external one. It answers inside the virtual network only."
  value       = local.hostname
}

output "bus_url" {
  description = "AGENTCORE_BUS_URL."
  value       = local.bus_url
}

output "migrate_command" {
  description = "How to migrate by hand, and ask whether what is parked would resume."
  value = join(" ", [
    "JOB=${module.migration.job_name}", "RESOURCE_GROUP=${azurerm_resource_group.this.name}",
    "SUBSCRIPTION=${data.azurerm_client_config.current.subscription_id}", "TIMEOUT=1900", "bash infra/terraform/azure/modules/migration/run.sh",
  ])
}

output "log_query" {
  description = "What the processes said last."
  value = join(" ", [
    "az monitor log-analytics query --workspace", "$(az resource show --ids ${module.logs.workspace_id} --query properties.customerId -o tsv)",
    local.functions ? "--analytics-query 'AppTraces | order by TimeGenerated desc | take 50'" :
    "--analytics-query 'ContainerAppConsoleLogs | order by TimeGenerated desc | project TimeGenerated, ContainerGroupName, Log | take 50'",
  ])
}

output "image" {
  description = "What runs: to go back to it, should the next one not work."
  value       = var.image
}

output "registry" {
  description = "Where to push images, where the registry is made here."
  value       = local.own_registry ? local.registry_server : null
}

output "resource_group" {
  description = "All of it is in this one."
  value       = azurerm_resource_group.this.name
}

output "functions_app" {
  description = "With compute = functions: the app that the code is deployed into."
  value       = one(module.functions[*].name)
}
