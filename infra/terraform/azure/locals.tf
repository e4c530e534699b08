locals {
  prefix    = "${var.name}-${var.environment}"
  short     = trimsuffix(substr(local.prefix, 0, 22), "-") # Container Apps takes names of 31 characters
  suffix    = random_string.suffix.result                  # for what has to be unique in the whole of Azure
  functions = var.compute == "functions"
  managed   = var.database == "managed"
  roles     = local.functions ? ["functions"] : ["http_chat", "queue_worker", "timer_wakeup"]

  # Time, from the inside out: a slice, the worker that runs it, the job that ends the worker. A worker that has begun
  # may still take a whole slice; SIGTERM takes it 5 s to hand over (AGENTCORE_DEADLINE_MARGIN), and a job gives 30 s.
  worker_seconds = var.slice_seconds + 30
  worker_timeout = local.worker_seconds + 60
  # The ingress cuts every request at 240 s. So http_chat ends it before that, properly, and streams with a cursor.
  request_seconds = 235
  # Container Apps was seen to kill a replica 60 to 80 s after SIGTERM, whatever it had been asked for.
  grace = 60
}

# The database's connections, shared out: each process has a pool, and one more connection to hear of news.
locals {
  # Microsoft, "Limits in Azure Database for PostgreSQL": of all, 15 are the service's own. Larger ones have more.
  connections = { B_Standard_B1ms = 35, B_Standard_B2s = 414 }
  processes   = var.max_replicas + var.max_workers + 2 # the timer, and the migration
  pool        = floor(lookup(local.connections, var.database_size, 844) / local.processes) - 1
}

locals {
  bus_url  = var.bus == "store" ? "store://" : module.bus[0].url
  hostname = local.managed ? module.database[0].host : null
  # Azure's certificates are of public authorities. The functions' image keeps those elsewhere than ours does.
  tls = local.functions ? "sslmode=require" : "sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt"

  # What all of them run with.
  variables = merge(
    { AGENTCORE_POOL_SIZE = tostring(min(10, max(1, local.pool))) },
    var.settings,
    { for name, value in {
      AGENTCORE_AGENTS            = var.agents
      AGENTCORE_MODEL             = var.model
      AGENTCORE_AUTH              = var.auth
      AGENTCORE_OIDC_ISSUER       = var.oidc_issuer
      AGENTCORE_OIDC_AUDIENCE     = var.oidc_audience
      AGENTCORE_BUS_URL           = local.bus_url
      AGENTCORE_SLICE_SECONDS     = tostring(var.slice_seconds)
      AGENTCORE_DATABASE_IDENTITY = local.managed ? "azure" : ""
    } : name => value if value != "" },
  )

  # And each by itself: who it is, also to the database.
  environments = { for name, identity in azurerm_user_assigned_identity.this : name => merge(
    local.variables,
    { AZURE_CLIENT_ID = identity.client_id },
    !local.managed ? {} : {
      AGENTCORE_DATABASE_URL = "postgresql://${identity.name}@${local.hostname}:5432/${module.database[0].name}?${local.tls}"
    },
    name == "http_chat" ? { AGENTCORE_HOST_SECONDS = tostring(local.request_seconds) } : {},
    name == "migrate" && local.managed ? { AGENTCORE_DATABASE_GRANT = "agentcore_functions" } : {},
  ) }
}

locals {
  scaler_key = var.bus == "eventhubs" && !local.functions
  # Which secrets there are, and who gets which. The timer executes no agent: it gets those that are settings.
  runtime_names = setunion(var.secret_names, local.managed ? [] : ["AGENTCORE_DATABASE_URL"])
  secret_names  = setunion(local.runtime_names, local.scaler_key ? ["EVENTHUBS_SCALER"] : [])
  names_of = { for name in concat(local.roles, ["migrate"]) : name => [
    for secret in local.runtime_names : secret if name != "timer_wakeup" || startswith(secret, "AGENTCORE_")
  ] }
  references = { for name, secrets in local.names_of : name => { for secret in secrets : secret => module.vault.references[secret] } }
}

locals {
  # An image without a host, or with that of an Azure registry, is in the one made here, unless registry_id names another.
  image_host      = try(regex("^([^/]*[.:][^/]*)/", var.image)[0], "")
  own_registry    = var.registry_id == null && (local.image_host == "" || endswith(local.image_host, ".azurecr.io"))
  registry_id     = local.own_registry ? azurerm_container_registry.this[0].id : var.registry_id
  registry_server = local.own_registry ? azurerm_container_registry.this[0].login_server : var.registry_id == null ? null : local.image_host
  image           = local.image_host == "" ? "${local.registry_server}/${var.image}" : var.image
}
