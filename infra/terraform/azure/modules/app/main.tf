# One container app: what runs until it is told to stop.

locals {
  http    = var.port == null ? [] : [var.port]
  no_http = var.port == null ? [1] : []
}

resource "azurerm_container_app" "this" {
  name                         = var.name
  resource_group_name          = var.resource_group_name
  container_app_environment_id = var.environment_id
  workload_profile_name        = "Consumption"
  revision_mode                = "Single" # the old revision answers until the new one is ready
  max_inactive_revisions       = 10       # to roll back to
  tags                         = var.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [var.identity_id]
  }

  dynamic "registry" {
    for_each = var.registry == null ? [] : [var.registry]
    content {
      server   = registry.value
      identity = var.identity_id
    }
  }

  dynamic "secret" {
    for_each = var.secrets
    content {
      name                = lower(replace(secret.key, "_", "-"))
      identity            = var.identity_id
      key_vault_secret_id = secret.value
    }
  }

  dynamic "ingress" {
    for_each = local.http
    content {
      external_enabled           = true
      allow_insecure_connections = false
      target_port                = ingress.value
      transport                  = "auto"
      traffic_weight {
        latest_revision = true
        percentage      = 100
      }
    }
  }

  template {
    min_replicas                     = var.replicas.least
    max_replicas                     = var.replicas.most
    termination_grace_period_seconds = var.grace

    dynamic "http_scale_rule" {
      for_each = local.http
      content {
        name                = "requests"
        concurrent_requests = tostring(var.concurrent_requests)
      }
    }

    dynamic "custom_scale_rule" {
      for_each = local.no_http
      content {
        name             = "processor"
        custom_rule_type = "cpu"
        metadata         = { type = "Utilization", value = "70" }
      }
    }

    container {
      name    = "agentcore"
      image   = var.image
      command = var.command
      args    = var.arguments
      cpu     = var.size.cpu
      memory  = var.size.memory

      dynamic "env" {
        for_each = var.variables
        content {
          name  = env.key
          value = env.value
        }
      }
      dynamic "env" {
        for_each = var.secrets
        content {
          name        = env.key
          secret_name = lower(replace(env.key, "_", "-"))
        }
      }

      # It listens once the database answered and has the schema of this version. What is asked afterwards is only
      # whether the process lives: /readyz would take every replica away when the bus is, and runs are accepted without.
      dynamic "startup_probe" {
        for_each = local.http
        content {
          transport               = "HTTP"
          port                    = startup_probe.value
          path                    = "/healthz"
          interval_seconds        = 3
          failure_count_threshold = 20
        }
      }
      dynamic "readiness_probe" {
        for_each = local.http
        content {
          transport               = "HTTP"
          port                    = readiness_probe.value
          path                    = "/healthz"
          interval_seconds        = 5
          success_count_threshold = 1
          timeout                 = 3
        }
      }
      dynamic "liveness_probe" {
        for_each = local.http
        content {
          transport        = "HTTP"
          port             = liveness_probe.value
          path             = "/healthz"
          interval_seconds = 15
          timeout          = 5
        }
      }
    }
  }
}

output "id" { value = azurerm_container_app.this.id }
output "name" { value = azurerm_container_app.this.name }
output "url" { value = one([for ingress in azurerm_container_app.this.ingress : "https://${ingress.fqdn}"]) }
output "replicas" { value = { least = azurerm_container_app.this.template[0].min_replicas, most = azurerm_container_app.this.template[0].max_replicas } }
