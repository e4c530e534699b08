# Time limits, from the inside out: slice, worker, job; lock; shutdown.

mock_provider "azurerm" {}
# azapi is not mocked: Terraform cannot mock its ephemeral resources yet.

variables {
  image         = "agents:1.0.0"
  run_migration = false
  database_url  = "" # unset ephemeral variables make `terraform test` fail
  secrets       = {}
  max_replicas  = 3
  max_workers   = 3
}

run "a_worker_ends_before_its_job_does" {
  variables {
    slice_seconds = 900
  }
  assert {
    condition     = output.environment_variables.queue_worker.AGENTCORE_SLICE_SECONDS == "900"
    error_message = "AGENTCORE_SLICE_SECONDS is slice_seconds."
  }
  assert {
    condition     = var.slice_seconds < local.worker_seconds && local.worker_seconds + 30 < local.worker_timeout
    error_message = "slice < worker's --max-seconds < replicaTimeout, each with room to hand over."
  }
  assert {
    condition     = module.queue_worker[0].arguments == tolist(["work", "--drain", "--max-seconds", "930"])
    error_message = "The worker is told when to end."
  }
  assert {
    condition     = module.queue_worker[0].timeout == 990
    error_message = "The job ends a worker only after it should have ended by itself."
  }
}

run "the_message_is_locked_longer_than_a_claim_and_given_back_often_enough" {
  module { source = "./modules/bus" }
  variables {
    kind           = "servicebus"
    name           = "ns"
    resource_group = { name = "rg", id = "/subscriptions/0/resourceGroups/rg" }
    location       = "westeurope"
    tags           = {}
    attempts       = 25
    max_workers    = 3
    scaler_key     = false
  }
  assert {
    condition     = azurerm_servicebus_queue.this[0].lock_duration == "PT1M"
    error_message = "The lock is longer than a claim (10 s) and the pause after one that failed (20 s)."
  }
  assert {
    condition     = azurerm_servicebus_queue.this[0].max_delivery_count > var.attempts
    error_message = "Our own dead letters, with a reason, come before those of Service Bus."
  }
}

run "attempts_follow_the_setting" {
  variables {
    settings = { AGENTCORE_BUS_ATTEMPTS = "40" }
  }
  assert {
    condition     = module.bus[0].max_delivery_count == 50
    error_message = "The queue's own limit follows AGENTCORE_BUS_ATTEMPTS."
  }
}

run "requests_end_before_the_ingress_cuts_them" {
  assert {
    condition     = tonumber(output.environment_variables.http_chat.AGENTCORE_HOST_SECONDS) < 240
    error_message = "The ingress cuts at 240 s; http_chat has to end before."
  }
  assert {
    condition     = alltrue([for name, own in output.environment_variables : name == "http_chat" || !can(own.AGENTCORE_HOST_SECONDS)])
    error_message = "Nobody else has a limit for requests."
  }
}

run "shutdown_is_planned_for_what_was_seen" {
  module { source = "./modules/app" }
  variables {
    name                = "a"
    resource_group_name = "rg"
    tags                = {}
    environment_id      = "e"
    identity_id         = "i"
    image               = "agents:1"
    registry            = null
    arguments           = ["serve"]
    size                = { cpu = 0.5, memory = "1Gi" }
    variables           = { A = "1" }
    secrets             = { OPENAI_API_KEY = "https://v/secrets/openai-api-key" }
    replicas            = { least = 0, most = 3 }
    port                = 8000
    grace               = 60
  }
  assert {
    condition     = azurerm_container_app.this.template[0].termination_grace_period_seconds == 60
    error_message = "60 s: more was asked for by others, and not given."
  }
  assert {
    condition     = azurerm_container_app.this.ingress[0].allow_insecure_connections == false && azurerm_container_app.this.ingress[0].external_enabled
    error_message = "The API is on the internet, and over TLS only."
  }
  assert {
    condition     = azurerm_container_app.this.template[0].http_scale_rule[0].concurrent_requests == "50" && azurerm_container_app.this.template[0].min_replicas == 0
    error_message = "It scales by requests, down to nothing."
  }
  assert {
    condition = alltrue([for probe in [
      azurerm_container_app.this.template[0].container[0].startup_probe[0], azurerm_container_app.this.template[0].container[0].liveness_probe[0],
      azurerm_container_app.this.template[0].container[0].readiness_probe[0],
    ] : probe.path == "/healthz" && probe.port == 8000])
    error_message = "All three probes ask /healthz."
  }
  assert {
    condition = [for env in azurerm_container_app.this.template[0].container[0].env : env.secret_name if env.name == "OPENAI_API_KEY"] == ["openai-api-key"] && alltrue([
      for secret in azurerm_container_app.this.secret : secret.identity == "i" && secret.key_vault_secret_id != "" && secret.value == null
    ])
    error_message = "A secret is referenced in Key Vault, by the app's identity, and has no value here."
  }
}

run "processes_share_the_connections_of_a_small_database" {
  variables {
    database_size = "B_Standard_B1ms"
    max_replicas  = 5
    max_workers   = 5
  }
  assert {
    condition     = (tonumber(output.environment_variables.queue_worker.AGENTCORE_POOL_SIZE) + 1) * 12 <= 35
    error_message = "A B1ms has 35 connections: pools and one listener each have to fit."
  }
}

run "a_large_database_gives_each_process_all_it_wants" {
  variables {
    database_size = "GP_Standard_D2ds_v5"
    max_replicas  = 20
    max_workers   = 20
    settings      = { AGENTCORE_LOG_LEVEL = "debug" }
  }
  assert {
    condition     = output.environment_variables.queue_worker.AGENTCORE_POOL_SIZE == "10" && output.environment_variables.queue_worker.AGENTCORE_LOG_LEVEL == "debug"
    error_message = "844 connections are enough for 42 processes; settings are passed on."
  }
}

run "a_pool_of_ones_own" {
  variables {
    settings = { AGENTCORE_POOL_SIZE = "2" }
  }
  assert {
    condition     = output.environment_variables.queue_worker.AGENTCORE_POOL_SIZE == "2"
    error_message = "A setting wins over what is derived."
  }
}
