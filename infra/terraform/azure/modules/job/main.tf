# One Container Apps job: what starts, does its work and ends.

locals {
  event = var.trigger.event
  # Secrets of Container Apps have names of their own kind.
  secrets      = { for name, reference in var.secrets : lower(replace(name, "_", "-")) => reference }
  scaler       = local.event == null ? {} : { for name, reference in local.event.references : "scaler-${name}" => reference }
  scaler_plain = local.event == null ? {} : { for name, value in local.event.values : "scaler-${name}" => value }
}

resource "azurerm_container_app_job" "this" {
  name                         = var.name
  resource_group_name          = var.resource_group_name
  location                     = var.location
  container_app_environment_id = var.environment_id
  workload_profile_name        = "Consumption"
  replica_timeout_in_seconds   = var.timeout
  replica_retry_limit          = 0 # a run that was left is taken up by the next worker, and a tick by the next minute
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
    for_each = merge(local.secrets, local.scaler)
    content {
      name                = secret.key
      identity            = var.identity_id
      key_vault_secret_id = secret.value
    }
  }

  dynamic "secret" {
    for_each = local.scaler_plain
    content {
      name  = secret.key
      value = secret.value
    }
  }

  dynamic "manual_trigger_config" {
    for_each = local.event == null && var.trigger.schedule == null ? [1] : []
    content {
      parallelism              = 1
      replica_completion_count = 1
    }
  }

  dynamic "schedule_trigger_config" {
    for_each = var.trigger.schedule[*]
    content {
      cron_expression          = schedule_trigger_config.value
      parallelism              = 1
      replica_completion_count = 1
    }
  }

  dynamic "event_trigger_config" {
    for_each = local.event[*]
    content {
      parallelism              = 1
      replica_completion_count = 1
      scale {
        min_executions              = 0
        max_executions              = event_trigger_config.value.most
        polling_interval_in_seconds = 10 # so long at most a run waits for a worker to be started
        rules {
          name             = "bus"
          custom_rule_type = event_trigger_config.value.type
          metadata         = event_trigger_config.value.metadata
          identity_id      = event_trigger_config.value.identity_id
          dynamic "authentication" {
            for_each = merge(event_trigger_config.value.references, event_trigger_config.value.values)
            content {
              trigger_parameter = authentication.key
              secret_name       = "scaler-${authentication.key}"
            }
          }
        }
      }
    }
  }

  template {
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
    }
  }
}

output "id" { value = azurerm_container_app_job.this.id }
output "name" { value = azurerm_container_app_job.this.name }
output "arguments" { value = azurerm_container_app_job.this.template[0].container[0].args }
output "timeout" { value = azurerm_container_app_job.this.replica_timeout_in_seconds }
output "schedule" { value = one(azurerm_container_app_job.this.schedule_trigger_config[*].cron_expression) }
output "rule" { value = one([for event in azurerm_container_app_job.this.event_trigger_config : event.scale[0].rules[0]]) }
