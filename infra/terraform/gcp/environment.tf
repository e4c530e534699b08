# Names, and what the functions are told.

locals {
  prefix  = "${var.name}-${var.environment}"
  account = length(local.prefix) <= 22 ? local.prefix : "${trimsuffix(substr(local.prefix, 0, 15), "-")}-${substr(sha1(local.prefix), 0, 6)}" # a service account's name has 30 characters at most
  labels  = merge({ application = var.name, environment = var.environment }, var.tags)
  project = trimprefix(data.google_project.this.id, "projects/")

  topic   = "${local.prefix}-runs"
  bus_url = var.bus == "pubsub" ? "pubsub://${local.project}/${local.topic}" : "store://"

  # http_chat's requests may be streams: as long as Cloud Run lets them be. queue_worker's is a slice and a cold start,
  # which Cloud Run counts in and the process cannot see; Pub/Sub pushes again after 600 s.
  api_seconds    = 3600
  worker_seconds = var.slice_seconds + 30
  tick_seconds   = 120
  concurrency    = 10

  common = merge(var.settings, var.model == "" ? {} : { AGENTCORE_MODEL = var.model }, {
    AGENTCORE_AGENTS        = var.agents
    AGENTCORE_BUS_URL       = local.bus_url
    AGENTCORE_POOL_SIZE     = "5" # see database_connections
    AGENTCORE_SLICE_SECONDS = tostring(var.slice_seconds)
  })

  # Google asks who calls these two, and takes the signature off the token that it has checked, so they could not check
  # it again: no AGENTCORE_PUSH_AUDIENCE.
  called_by_google = { AGENTCORE_ALLOW_UNAUTHENTICATED = "true" }

  environment = {
    http_chat = merge(local.common,
      { AGENTCORE_AUTH = var.auth, AGENTCORE_HOST_SECONDS = tostring(local.api_seconds) },
      var.auth == "none" ? { AGENTCORE_ALLOW_UNAUTHENTICATED = "true" } : {},
      strcontains(var.auth, "oidc") ? { AGENTCORE_OIDC_ISSUER = var.oidc_issuer, AGENTCORE_OIDC_AUDIENCE = var.oidc_audience } : {},
    )
    queue_worker = merge(local.common, { AGENTCORE_CONCURRENCY = tostring(local.concurrency) },
      var.bus == "store" ? {} : merge(local.called_by_google, { AGENTCORE_HOST_SECONDS = tostring(local.worker_seconds) }),
    )
    timer_wakeup = merge(local.common, local.called_by_google, { AGENTCORE_HOST_SECONDS = tostring(local.tick_seconds) })
  }

  database_url = var.database == "managed" ? module.database[0].url : { id = module.external_database[0].id, reference = module.external_database[0].reference }
  secrets      = merge({ AGENTCORE_DATABASE_URL = local.database_url.reference }, { for name, one in module.secret : name => one.reference })
  # timer_wakeup executes no agent: of your secrets it gets those that are settings.
  timer_secrets = { for name, one in local.secrets : name => one if startswith(name, "AGENTCORE_") }
  secret_ids    = merge({ AGENTCORE_DATABASE_URL = local.database_url.id }, { for name, one in module.secret : name => one.id })
}
