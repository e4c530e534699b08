output "name" {
  description = "Its name, once it has been executed."
  value       = google_cloud_run_v2_job.this.name
}

output "execution" {
  description = "What the name of its execution ends with; null where there is none."
  value       = google_cloud_run_v2_job.this.run_execution_token
}
