# Names, times, and what the functions are told.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  prefix     = "${var.name}-${var.environment}"
  tags       = merge({ application = var.name, environment = var.environment }, var.tags)
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  region     = data.aws_region.current.region
  functions  = "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function"

  managed   = var.database == "managed"
  iam       = local.managed && var.database_sign_in == "iam"
  lambda    = var.compute == "lambda"
  queue     = var.bus == "sqs"
  networked = local.managed || !local.lambda

  # A slice ends when the margin begins, so it fits into the function's time, and that six times into the queue's.
  margin_seconds     = 10
  function_seconds   = var.slice_seconds + local.margin_seconds
  visibility_seconds = 6 * local.function_seconds
  clock_minutes      = try(tonumber(split("/", split(" ", var.wakeup_schedule)[0])[1]), 1)

  # The product puts a message aside after so many attempts, with the reason; the queue itself does later, without.
  attempts      = 10
  most_receives = 2 * local.attempts

  # Connections to the database: of each copy so many, and one to listen for news.
  pool        = local.lambda ? { http_chat = 2, queue_worker = 4 } : { http_chat = 5, queue_worker = 5 }
  connections = var.max_replicas * (local.pool.http_chat + 1) + var.max_workers * (local.pool.queue_worker + 1) + 20

  database_host = one(module.database[*].host)
  verify        = var.database_ca == "" ? "sslmode=require" : "sslmode=verify-full&sslrootcert=${var.database_ca}"
  database_urls = { for role in ["agentcore", "agentcore_app"] :
    role => "postgresql://${role}@${coalesce(local.database_host, "-")}:5432/agentcore?${local.verify}"
  }
  # As its owner, and as who may use its tables only. One that is yours is in the secret.
  database_of = {
    owner = merge(
      local.managed ? { AGENTCORE_DATABASE_URL = local.database_urls.agentcore } : {},
      local.iam ? { AGENTCORE_DATABASE_GRANT = "agentcore_app" } : {},
    )
    app = merge(
      local.managed ? { AGENTCORE_DATABASE_URL = local.database_urls[local.iam ? "agentcore_app" : "agentcore"] } : {},
      local.iam ? { AGENTCORE_DATABASE_IDENTITY = "aws" } : {},
    )
  }

  bus_url = local.queue ? "sqs://${local.region}/${local.account_id}/${module.queue[0].name}" : "store://"

  common = merge(var.settings, var.model == "" ? {} : { AGENTCORE_MODEL = var.model }, {
    AGENTCORE_AGENTS          = var.agents
    AGENTCORE_BUS_ATTEMPTS    = tostring(local.attempts)
    AGENTCORE_BUS_URL         = local.bus_url
    AGENTCORE_DEADLINE_MARGIN = tostring(local.margin_seconds)
    AGENTCORE_SLICE_SECONDS   = tostring(var.slice_seconds)
    SECRETS_VERSION           = tostring(var.secrets_version) # processes read secrets once, and this starts new ones
  })
  app = merge(local.common, local.database_of.app, { AGENTCORE_AWS_SECRET = local.app_secret_arn })

  variables = {
    http_chat = merge(local.app,
      { AGENTCORE_AUTH = var.auth, AGENTCORE_POOL_SIZE = tostring(local.pool.http_chat) },
      strcontains(var.auth, "oidc") ? { AGENTCORE_OIDC_ISSUER = var.oidc_issuer, AGENTCORE_OIDC_AUDIENCE = var.oidc_audience } : {},
      local.streams ? { AWS_LWA_INVOKE_MODE = "response_stream" } : {},
    )
    queue_worker = merge(local.app, { AGENTCORE_CONCURRENCY = "10", AGENTCORE_POOL_SIZE = tostring(local.pool.queue_worker) })
    timer_wakeup = merge(local.app, { AGENTCORE_POOL_SIZE = "2" })
    command      = merge(local.common, local.database_of.owner, { AGENTCORE_AWS_SECRET = aws_secretsmanager_secret.owner.arn })
  }
}

check "region" {
  assert {
    condition     = local.region == var.region
    error_message = "region: the provider is set to another one; everything is made in the provider's."
  }
}
