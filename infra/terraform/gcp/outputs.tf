output "url" {
  description = "Where http_chat answers."
  value       = module.api.url
}

output "environment_variables" {
  description = "What each function runs with; a secret as the version of Secret Manager that it refers to."
  value = { for function, variables in local.environment : function => merge(variables, {
    for name, one in function == "timer_wakeup" ? local.timer_secrets : local.secrets : name => "projects/${local.project}/secrets/${one.secret}/versions/${one.version}"
  }) }
}

output "database_host" {
  description = "Private address of the managed database; null where it is yours."
  value       = one(module.database[*].host)
}

output "bus_url" {
  description = "AGENTCORE_BUS_URL."
  value       = local.bus_url
}

output "migrate_command" {
  description = "Migrates by hand."
  value       = "gcloud run jobs execute ${module.admin.name} --project=${local.project} --region=${var.region} --args=migrate --wait"
}

output "log_query" {
  description = "Reads the logs."
  value       = module.observability.log_query
}

output "image_repository" {
  description = "Where to push the image; Cloud Run may pull from there."
  value       = "${var.region}-docker.pkg.dev/${local.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "image" {
  description = "What runs: to go back to it, should the next one not work."
  value       = var.image
}
