# A Cloud Run job, which may be executed when it is made. Then Terraform waits for it, and what depends on it does too.
#
# Each release makes it anew. If it were only changed and its execution failed, the next apply would find nothing to
# change, and go on as if all were well; one that failed when it was made is tainted, and made again.

resource "terraform_data" "release" {
  triggers_replace = [var.image, var.args, var.environment, var.secrets, var.service_account, var.network, var.memory, var.labels]
}

resource "google_cloud_run_v2_job" "this" {
  name                = var.name
  location            = var.region
  labels              = var.labels
  deletion_protection = false
  run_execution_token = var.execute ? substr(terraform_data.release.id, 0, 8) : null # the execution's name ends with it

  template {
    template {
      service_account = var.service_account
      timeout         = "900s"
      max_retries     = 3 # with fewer, Google says, an execution may fail whose task was well

      containers {
        image = var.image
        args  = var.args

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

  timeouts {
    create = "70m" # four attempts
  }

  lifecycle {
    replace_triggered_by = [terraform_data.release]
  }
}
