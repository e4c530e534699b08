output "alerts" {
  description = "Names of the alerts."
  value       = keys(google_monitoring_alert_policy.this)
}

output "log_query" {
  description = "How to read the logs."
  value       = "gcloud logging read --project=${var.project_id} --location=${var.region} --bucket=${google_logging_project_bucket_config.this.bucket_id} --view=_AllLogs --freshness=1h"
}
