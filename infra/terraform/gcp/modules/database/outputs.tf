output "host" {
  description = "Its private address, once database and user are there."
  value       = google_sql_database_instance.this.private_ip_address
  depends_on  = [google_sql_database.this, google_sql_user.this]
}

output "instance" {
  description = "Its name."
  value       = google_sql_database_instance.this.name
}

output "url" {
  description = "The secret that holds what clients connect to, password and all; once they can."
  value       = { id = module.url.id, reference = module.url.reference }
  depends_on  = [google_sql_database.this, google_sql_user.this]
}

output "network" {
  description = "Where it can be reached from."
  value = {
    network    = google_compute_network.this.id
    subnetwork = google_compute_subnetwork.this.id
  }
}
