output "email" {
  description = "Its address, once it may read its secrets: what runs as it can start."
  value       = google_service_account.this.email
  depends_on  = [google_secret_manager_secret_iam_member.reads]
}

output "member" {
  description = "The same, as IAM names it."
  value       = google_service_account.this.member
}

output "roles" {
  description = "What it may do with secrets, for tests."
  value       = { for name, one in google_secret_manager_secret_iam_member.reads : name => one.role }
}

output "id" {
  description = "projects/…/serviceAccounts/…"
  value       = google_service_account.this.name
}
