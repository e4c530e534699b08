# Logs of this deployment in a bucket of their own, kept as long as they should be, and not in the project's default
# one as well.

locals {
  logs = join(" OR ", [
    "(resource.type = \"cloud_run_revision\" AND resource.labels.service_name =~ \"^${var.prefix}-(api|worker|timer)$\")",
    "(resource.type = \"cloud_run_job\" AND resource.labels.job_name =~ \"^${var.prefix}-(migrate|preflight|admin)$\")",
    "(resource.type = \"cloud_run_worker_pool\" AND resource.labels.worker_pool_name = \"${var.prefix}-worker\")",
  ])
}

resource "google_logging_project_bucket_config" "this" {
  project        = var.project_id
  location       = var.region
  bucket_id      = var.prefix
  retention_days = var.retention_days
}

resource "google_logging_project_sink" "this" {
  name                   = var.prefix
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.this.id}"
  filter                 = local.logs
  unique_writer_identity = true
}

resource "google_logging_project_exclusion" "this" {
  name       = var.prefix
  filter     = local.logs
  depends_on = [google_logging_project_sink.this]
}
