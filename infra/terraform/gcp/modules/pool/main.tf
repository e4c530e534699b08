# A Cloud Run worker pool: processes that ask for work themselves. Nothing calls them, and nothing scales them.

resource "google_cloud_run_v2_worker_pool" "this" {
  name                = var.name
  location            = var.region
  labels              = var.labels
  deletion_protection = false

  scaling {
    scaling_mode          = "MANUAL"
    manual_instance_count = var.instances
  }

  template {
    service_account = var.service_account
    labels          = var.labels

    containers {
      image = var.image
      args  = ["work"]

      resources {
        limits = { cpu = "1", memory = var.memory }
      }

      dynamic "env" {
        for_each = var.environment
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value.secret
              version = env.value.version
            }
          }
        }
      }
    }

    dynamic "vpc_access" {
      for_each = var.network[*]
      content {
        egress = "PRIVATE_RANGES_ONLY"
        network_interfaces {
          network    = vpc_access.value.network
          subnetwork = vpc_access.value.subnetwork
        }
      }
    }
  }
}
