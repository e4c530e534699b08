# The way to it: a network of its own, in which Cloud Run has a subnet and Google's side of Cloud SQL a range.

resource "google_compute_network" "this" {
  name                    = var.prefix
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "this" {
  name                     = "${var.prefix}-run"
  region                   = var.region
  network                  = google_compute_network.this.id
  ip_cidr_range            = "10.64.0.0/22" # Cloud Run takes up to four addresses an instance
  private_ip_google_access = true
}

resource "google_compute_global_address" "this" {
  name          = "${var.prefix}-sql"
  network       = google_compute_network.this.id
  address_type  = "INTERNAL"
  purpose       = "VPC_PEERING"
  address       = "10.65.0.0"
  prefix_length = 20
}

resource "google_service_networking_connection" "this" {
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.this.name]
  deletion_policy         = "REMOVE_PEERING" # Google's side says it is in use for days after the instance has gone
}
