# Cloud SQL for PostgreSQL. It has a private address only and refuses connections without TLS; Google encrypts its disks
# and backups.

resource "random_id" "suffix" {
  byte_length = 3 # a deleted instance keeps its name for a week
}

resource "google_sql_database_instance" "this" {
  name                = "${var.prefix}-${random_id.suffix.hex}"
  region              = var.region
  database_version    = "POSTGRES_18"
  deletion_protection = var.deletion_protection # against Terraform; the setting below is against everybody

  settings {
    edition                     = "ENTERPRISE" # unset, it is ENTERPRISE_PLUS, which has none of our sizes
    tier                        = var.size
    availability_type           = var.high_availability ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_autoresize             = true
    deletion_protection_enabled = var.deletion_protection
    retain_backups_on_delete    = var.deletion_protection
    user_labels                 = var.labels

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.this.id
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
      start_time                     = "03:00"
      transaction_log_retention_days = 7 # the most that Enterprise has

      backup_retention_settings {
        retained_backups = 7
      }
    }

    database_flags {
      name  = "max_connections"
      value = tostring(var.connections)
    }

    maintenance_window {
      day          = 7
      hour         = 4
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled = true
    }
  }

  depends_on = [google_service_networking_connection.this]
}

resource "google_sql_database" "this" {
  name            = "agentcore"
  instance        = google_sql_database_instance.this.name
  deletion_policy = "ABANDON" # it goes with the instance; before that, connections would keep it
}

ephemeral "random_password" "this" {
  length  = 40
  special = false # it stands in a URL
}

resource "google_sql_user" "this" {
  name                = "agentcore"
  instance            = google_sql_database_instance.this.name
  password_wo         = ephemeral.random_password.this.result
  password_wo_version = var.password_version
  deletion_policy     = "ABANDON" # it owns the tables, so it cannot be dropped before them
}

module "url" {
  source = "../secret"

  secret_id     = "${var.prefix}-AGENTCORE_DATABASE_URL"
  region        = var.region
  labels        = var.labels
  value         = "postgresql://agentcore:${ephemeral.random_password.this.result}@${google_sql_database_instance.this.private_ip_address}/agentcore?sslmode=require"
  value_version = var.password_version
}
