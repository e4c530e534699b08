output "id" {
  description = "projects/…/secrets/…"
  value       = google_secret_manager_secret.this.id
}

output "reference" {
  description = "What a container's variable refers to: this version and no other, so that a new one makes a new revision."
  value = {
    secret  = google_secret_manager_secret.this.secret_id
    version = google_secret_manager_secret_version.this.version
  }
}
