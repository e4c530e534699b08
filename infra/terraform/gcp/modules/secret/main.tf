# One secret. Its value is write-only: it is in neither plan nor state.

resource "google_secret_manager_secret" "this" {
  secret_id = var.secret_id
  labels    = var.labels

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_version" "this" {
  secret                 = google_secret_manager_secret.this.id
  secret_data_wo         = var.value
  secret_data_wo_version = var.value_version

  lifecycle {
    create_before_destroy = true # what runs reads the old version until it is replaced
  }
}
