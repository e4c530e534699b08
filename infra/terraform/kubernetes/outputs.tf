output "url" {
  description = "Where http_chat answers."
  value       = var.host == "" ? "http://${local.release}.${var.namespace}.svc" : "https://${var.host}"
}

output "environment_variables" {
  description = "What each function runs with; a secret as the Secret and the key that it refers to."
  value = { for function in ["http_chat", "queue_worker", "timer_wakeup"] : function => merge(
    local.settings,
    { AGENTCORE_BUS_URL = local.bus_url, AGENTCORE_SLICE_SECONDS = tostring(var.slice_seconds) },
    { for one in setunion(var.secret_names, local.postgres ? [] : ["AGENTCORE_DATABASE_URL"]) : one => "secret/${kubernetes_secret_v1.environment.metadata[0].name}/${one}" },
    { for one, at in local.operator_secrets : one => "secret/${at.name}/${at.key}" },
  ) }
}

output "database_host" {
  description = "The managed database inside the cluster; null where it is yours."
  value       = local.postgres ? "${local.services}-postgres-rw.${var.namespace}.svc" : null
}

output "bus_url" {
  description = "AGENTCORE_BUS_URL."
  value       = local.bus_url
}

output "migrate_command" {
  description = "Migrates by hand."
  value       = "kubectl -n ${var.namespace} exec deploy/${local.release}-api -- agentcore migrate"
}

output "log_query" {
  description = "Reads the logs."
  value       = "kubectl -n ${var.namespace} logs -l app.kubernetes.io/instance=${local.prefix} --all-containers --prefix --tail=100"
}

output "image" {
  description = "What runs: to go back to it, should the next one not work."
  value       = var.image
}
