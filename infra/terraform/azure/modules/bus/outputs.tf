locals {
  namespace    = one(concat(azurerm_servicebus_namespace.this[*].name, azapi_resource.namespace[*].name))
  namespace_id = one(concat(azurerm_servicebus_namespace.this[*].id, azapi_resource.namespace[*].id))
  entity       = one(concat(azurerm_servicebus_queue.this[*].name, azurerm_eventhub.this[*].name))
  entity_id    = one(concat(azurerm_servicebus_queue.this[*].id, azurerm_eventhub.this[*].id))
  host         = "${local.namespace}.servicebus.windows.net"
  roles        = { servicebus = "Azure Service Bus Data", eventhubs = "Azure Event Hubs Data" }
}

output "url" { value = "${var.kind}://${local.namespace}/${local.entity}" }
output "host" { value = local.host }
output "max_delivery_count" { value = one(azurerm_servicebus_queue.this[*].max_delivery_count) }

output "grants" {
  description = "What a function has to be allowed: to send, and to receive."
  value = {
    send    = { hub = { role = "${local.roles[var.kind]} Sender", scope = local.entity_id } }
    receive = { hub = { role = "${local.roles[var.kind]} Receiver", scope = local.entity_id } }
    # Service Bus has its dead letters in the queue; on a hub we put them aside ourselves.
    bury = { for hub in azurerm_eventhub.dead : "dead" => { role = "Azure Event Hubs Data Sender", scope = hub.id } }
  }
}

output "dead_letters" {
  description = "The metric that tells of dead letters."
  value = {
    scope       = local.namespace_id
    namespace   = var.kind == "servicebus" ? "Microsoft.ServiceBus/namespaces" : "Microsoft.EventHub/namespaces"
    metric      = var.kind == "servicebus" ? "DeadletteredMessages" : "IncomingMessages"
    aggregation = var.kind == "servicebus" ? "Maximum" : "Total"
    entity      = var.kind == "servicebus" ? local.entity : one(azurerm_eventhub.dead[*].name)
  }
}

output "scaler" {
  description = "KEDA's rule for it: one worker for each message that waits, as those that run have room for more."
  value = {
    type = { servicebus = "azure-servicebus", eventhubs = "kafka" }[var.kind]
    metadata = tomap({
      servicebus = tomap({ namespace = local.namespace, queueName = local.entity, messageCount = "1" })
      eventhubs = tomap({
        bootstrapServers = "${local.host}:9093", topic = local.entity, consumerGroup = "agentcore", lagThreshold = "1"
        sasl             = "plaintext", tls = "enable"
      })
    })[var.kind]
    most = var.kind == "eventhubs" ? min(32, var.max_workers) : var.max_workers
  }
}

output "scaler_rule_id" {
  description = "With Event Hubs: the rule whose key the scaler signs in with."
  value       = one(azapi_resource.scaler[*].id)
}
