output "url" {
  description = "Where it answers."
  value       = google_cloud_run_v2_service.this.uri
}

output "callable" {
  description = "The same, once its invokers may call it."
  value       = google_cloud_run_v2_service.this.uri
  depends_on  = [google_cloud_run_v2_service_iam_member.invoker]
}
