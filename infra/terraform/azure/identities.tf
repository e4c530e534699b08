# An identity for each function, and what it may do: no more than docs/buses.md lists.

resource "azurerm_user_assigned_identity" "this" {
  for_each            = toset(concat(local.roles, ["migrate"]))
  name                = "${local.prefix}-${replace(each.value, "_", "-")}"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = var.tags
}

locals {
  # Who sends, receives and puts aside. The migration touches no bus.
  bus_uses = local.functions ? { functions = ["send", "receive", "bury"] } : {
    http_chat    = ["send"]
    queue_worker = ["send", "receive", "bury"]
    timer_wakeup = ["send"]
  }
  bus_grants = var.bus == "store" ? [] : flatten([
    for identity, uses in local.bus_uses : [
      for use in uses : [
        for where, grant in module.bus[0].grants[use] : { identity = identity, what = "${use}-${where}", role = grant.role, scope = grant.scope }
      ]
    ]
  ])

  # Each secret by itself: another one in the same vault stays closed. The scaler's is the worker's alone.
  secret_grants = concat(
    flatten([for identity, secrets in local.names_of : [for secret in secrets : {
      identity = identity, what = "secret-${secret}", role = "Key Vault Secrets User", scope = module.vault.scopes[secret]
    }]]),
    !local.scaler_key ? [] : [{
      identity = "queue_worker", what = "secret-EVENTHUBS_SCALER", role = "Key Vault Secrets User", scope = module.vault.scopes["EVENTHUBS_SCALER"]
    }],
  )

  # Functions run no image; their migration does.
  puller_grants = !local.own_registry && var.registry_id == null ? [] : [
    for identity in(local.functions ? ["migrate"] : concat(local.roles, ["migrate"])) :
    { identity = identity, what = "pull", role = "AcrPull", scope = local.registry_id }
  ]

  # The Functions host keeps its locks, its leases and the code there, and writes its telemetry with this identity.
  host_grants = !local.functions ? [] : [
    { identity = "functions", what = "storage", role = "Storage Blob Data Owner", scope = azurerm_storage_account.functions[0].id },
    { identity = "functions", what = "telemetry", role = "Monitoring Metrics Publisher", scope = module.logs.insights_id },
  ]

  grants = { for grant in concat(local.bus_grants, local.secret_grants, local.puller_grants, local.host_grants) :
    "${grant.identity} ${grant.what}" => grant
  }
}

resource "azurerm_role_assignment" "this" {
  for_each             = local.grants
  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_user_assigned_identity.this[each.value.identity].principal_id
  principal_type       = "ServicePrincipal" # else Azure looks for it in a directory that may not have heard of it yet
}
