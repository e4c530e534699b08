# What starts workers, and where messages go that nobody can use.

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

run "service_bus" {
  assert {
    condition     = can(regex("^servicebus://agentcore-dev-[^/]+/runs$", output.bus_url))
    error_message = "bus_url names the namespace and the queue."
  }
  assert {
    condition     = module.queue_worker[0].rule.custom_rule_type == "azure-servicebus" && module.queue_worker[0].rule.identity_id == azurerm_user_assigned_identity.this["queue_worker"].id
    error_message = "KEDA asks Service Bus as the worker's identity, without a secret."
  }
  assert {
    condition     = module.queue_worker[0].rule.metadata.queueName == "runs" && module.queue_worker[0].rule.metadata.messageCount == "1" && length(module.queue_worker[0].rule.authentication) == 0
    error_message = "One worker for each message that waits."
  }
  assert {
    condition     = contains(module.alerts.names, "agentcore-dev-dead-letters") && module.bus[0].dead_letters.metric == "DeadletteredMessages"
    error_message = "Dead letters ring."
  }
  assert {
    condition     = contains(module.alerts.names, "agentcore-dev-waiting")
    error_message = "Messages that nobody takes ring."
  }
}

run "a_namespace_without_keys" {
  module { source = "./modules/bus" }
  variables {
    kind           = "servicebus"
    name           = "ns"
    resource_group = { name = "rg", id = "/subscriptions/0/resourceGroups/rg" }
    location       = "westeurope"
    tags           = {}
    attempts       = 10
    max_workers    = 3
    scaler_key     = false
  }
  assert {
    condition     = azurerm_servicebus_namespace.this[0].local_auth_enabled == false && azurerm_servicebus_namespace.this[0].minimum_tls_version == "1.2"
    error_message = "Identities only, and TLS 1.2."
  }
  assert {
    condition     = azurerm_servicebus_queue.this[0].dead_lettering_on_message_expiration && azurerm_servicebus_queue.this[0].requires_session == null
    error_message = "The queue has dead letters and no sessions."
  }
}

run "event_hubs" {
  variables {
    bus = "eventhubs"
  }
  assert {
    condition     = can(regex("^eventhubs://agentcore-dev-[^/]+/runs$", output.bus_url))
    error_message = "bus_url names the namespace and the hub."
  }
  assert {
    condition     = module.queue_worker[0].rule.custom_rule_type == "kafka" && module.queue_worker[0].rule.identity_id == null && endswith(module.queue_worker[0].rule.metadata.bootstrapServers, ".servicebus.windows.net:9093")
    error_message = "KEDA asks the Kafka endpoint for the group's lag."
  }
  assert {
    condition     = toset([for one in module.queue_worker[0].rule.authentication : one.trigger_parameter]) == toset(["password", "username"])
    error_message = "It signs in with the rule's connection string."
  }
  assert {
    condition     = [for name in keys(azurerm_role_assignment.this) : name if strcontains(name, "EVENTHUBS_SCALER")] == ["queue_worker secret-EVENTHUBS_SCALER"]
    error_message = "Only the worker reads the scaler's key."
  }
  assert {
    condition     = !strcontains(jsonencode(output.environment_variables), "EVENTHUBS_SCALER")
    error_message = "The scaler's key is in no function's environment."
  }
  assert {
    condition     = toset([for name in keys(azurerm_role_assignment.this) : name if strcontains(name, "dead")]) == toset(["queue_worker bury-dead"])
    error_message = "Only the worker puts messages aside."
  }
}

run "a_hub_and_one_for_dead_letters" {
  module { source = "./modules/bus" }
  variables {
    kind           = "eventhubs"
    name           = "ns"
    resource_group = { name = "rg", id = "/subscriptions/0/resourceGroups/rg" }
    location       = "westeurope"
    tags           = {}
    attempts       = 10
    max_workers    = 12
    scaler_key     = true
  }
  assert {
    condition     = azurerm_eventhub.this[0].name == "runs" && azurerm_eventhub.dead[0].name == "runs-dead"
    error_message = "Dead letters of HUB go to HUB-dead."
  }
  assert {
    condition     = azurerm_eventhub.this[0].partition_count >= var.max_workers
    error_message = "A partition for each worker."
  }
  assert {
    condition     = azapi_resource.scaler[0].body.properties.rights == ["Listen"]
    error_message = "The scaler's key may read, and nothing else."
  }
  assert {
    condition     = azapi_resource.namespace[0].body.sku.name == "Standard" && azapi_resource.namespace[0].body.properties.disableLocalAuth == false
    error_message = "Basic has no Kafka endpoint, and the scaler signs in with a key."
  }
}

run "without_a_scaler_the_hub_has_no_keys" {
  module { source = "./modules/bus" }
  variables {
    kind           = "eventhubs"
    name           = "ns"
    resource_group = { name = "rg", id = "/subscriptions/0/resourceGroups/rg" }
    location       = "westeurope"
    tags           = {}
    attempts       = 10
    max_workers    = 12
    scaler_key     = false
  }
  assert {
    condition     = azapi_resource.namespace[0].body.properties.disableLocalAuth && length(azapi_resource.scaler) == 0
    error_message = "Identities only."
  }
}

run "the_database_as_bus" {
  variables {
    bus = "store"
  }
  assert {
    condition     = output.bus_url == "store://" && length(module.bus) == 0 && length(module.queue_worker) == 0 && length(module.store_worker) == 1
    error_message = "Nothing starts workers, so one always runs."
  }
  assert {
    condition     = module.store_worker[0].replicas == { least = 1, most = 3 } && module.store_worker[0].url == null
    error_message = "From one to max_workers, and nobody can call it."
  }
  assert {
    condition     = !anytrue([for grant in azurerm_role_assignment.this : strcontains(grant.role_definition_name, "Bus") || strcontains(grant.role_definition_name, "Hubs")])
    error_message = "Nobody has rights on a bus that is not there."
  }
}

run "an_external_database" {
  variables {
    database     = "external"
    database_url = "postgresql://u:p@db.example.com/agentcore"
  }
  assert {
    condition     = length(module.network) == 0 && length(module.database) == 0 && output.database_host == null
    error_message = "No network and no server are made."
  }
  assert {
    condition     = output.environment_variables.http_chat.AGENTCORE_DATABASE_URL == module.vault.references["AGENTCORE_DATABASE_URL"] && !can(output.environment_variables.http_chat.AGENTCORE_DATABASE_IDENTITY)
    error_message = "Its URL is a secret, and its password signs in."
  }
}

run "the_timer" {
  variables {
    wakeup_schedule = "*/5 * * * *"
  }
  assert {
    condition     = module.timer_wakeup[0].schedule == "*/5 * * * *" && module.timer_wakeup[0].arguments == tolist(["tick"])
    error_message = "It ticks on wakeup_schedule."
  }
}

run "budget_and_mail" {
  module { source = "./modules/alerts" }
  variables {
    name           = "a"
    resource_group = { name = "rg", id = "/subscriptions/0/resourceGroups/rg" }
    location       = "westeurope"
    tags           = {}
    emails         = ["ops@example.com"]
    budget         = 20
    answering      = { url = "https://a", insights_id = "i" }
    metrics = { dead-letters = {
      description = "d", scope = "s", namespace = "n", metric = "m", aggregation = "Maximum", above = 0, dimensions = { EntityName = ["runs"] }
    } }
  }
  assert {
    condition     = azurerm_consumption_budget_resource_group.this[0].amount == 20 && length(azurerm_consumption_budget_resource_group.this[0].notification) == 2
    error_message = "The budget tells at 80 % and where it is foreseen to be spent."
  }
  assert {
    condition     = azurerm_monitor_metric_alert.metrics["dead-letters"].criteria[0].threshold == 0 && length(azurerm_monitor_metric_alert.metrics["dead-letters"].action) == 1
    error_message = "One dead letter is enough, and somebody is told."
  }
  assert {
    condition     = azurerm_application_insights_standard_web_test.answering[0].request[0].url == "https://a/healthz"
    error_message = "An API that is always awake is asked from outside."
  }
}

run "no_budget" {
  module { source = "./modules/alerts" }
  variables {
    name           = "a"
    resource_group = { name = "rg", id = "/subscriptions/0/resourceGroups/rg" }
    location       = "westeurope"
    tags           = {}
    emails         = []
    budget         = 0
    metrics        = {}
  }
  assert {
    condition     = length(azurerm_consumption_budget_resource_group.this) == 0 && length(azurerm_monitor_action_group.this) == 0
    error_message = "0 makes no budget, and nobody no group."
  }
}
