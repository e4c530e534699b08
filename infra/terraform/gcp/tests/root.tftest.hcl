# What the functions are told, and which values are refused.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { id = "projects/acme", number = "4711", billing_account = "0000-1111" }
  }
}

variables {
  region = "europe-west1"
  image  = "europe-west1-docker.pkg.dev/acme/agentcore-dev/agentcore:1.0"
}

run "pubsub" {
  command = plan

  variables {
    secret_names = ["OPENAI_API_KEY", "AGENTCORE_WEBHOOK_SECRETS"]
    secrets      = { OPENAI_API_KEY = "sk", AGENTCORE_WEBHOOK_SECRETS = "whsec_eA==" }
    settings     = { AGENTCORE_LOG_LEVEL = "debug" }
  }

  assert {
    condition     = output.bus_url == "pubsub://acme/agentcore-dev-runs"
    error_message = "the bus is the topic of the project"
  }
  assert {
    condition     = alltrue([for one in output.environment_variables : one.AGENTCORE_BUS_URL == output.bus_url && one.AGENTCORE_LOG_LEVEL == "debug"])
    error_message = "all functions have the bus and the settings"
  }
  assert {
    condition = alltrue([for name in ["queue_worker", "timer_wakeup"] :
    output.environment_variables[name].AGENTCORE_ALLOW_UNAUTHENTICATED == "true" && !contains(keys(output.environment_variables[name]), "AGENTCORE_PUSH_AUDIENCE")])
    error_message = "Cloud Run asks who calls them and takes the signature off the token, so they cannot"
  }
  assert {
    condition     = !contains(keys(output.environment_variables.http_chat), "AGENTCORE_ALLOW_UNAUTHENTICATED")
    error_message = "http_chat asks who calls"
  }
  assert {
    condition     = contains(keys(output.environment_variables.queue_worker), "OPENAI_API_KEY") && contains(keys(output.environment_variables.http_chat), "OPENAI_API_KEY")
    error_message = "what executes runs has the key of the model"
  }
  assert {
    condition     = !contains(keys(output.environment_variables.timer_wakeup), "OPENAI_API_KEY") && contains(keys(output.environment_variables.timer_wakeup), "AGENTCORE_WEBHOOK_SECRETS")
    error_message = "the clock executes no run: it has settings only"
  }
  assert {
    condition     = toset(keys(module.timer_identity.roles)) == toset(["AGENTCORE_DATABASE_URL", "AGENTCORE_WEBHOOK_SECRETS"]) && length(module.caller_identity.roles) == 0
    error_message = "nobody may read a secret that he does not need"
  }
  assert {
    condition     = alltrue([for one in [module.api_identity, module.worker_identity, module.deploy_identity] : alltrue([for role in values(one.roles) : role == "roles/secretmanager.secretAccessor"])])
    error_message = "secrets are read, and nothing else"
  }
}

run "a_slice_fits_into_its_request_and_that_into_the_acknowledgement_deadline" {
  command = plan

  variables {
    slice_seconds = 560
  }

  assert {
    condition     = tonumber(output.environment_variables.queue_worker.AGENTCORE_SLICE_SECONDS) < tonumber(output.environment_variables.queue_worker.AGENTCORE_HOST_SECONDS)
    error_message = "the request outlasts the slice"
  }
  assert {
    condition     = tonumber(output.environment_variables.queue_worker.AGENTCORE_HOST_SECONDS) < 600
    error_message = "Pub/Sub waits for the request"
  }
}

run "store" {
  command = plan

  variables {
    bus = "store"
  }

  assert {
    condition     = output.bus_url == "store://" && !contains(keys(output.environment_variables.queue_worker), "AGENTCORE_HOST_SECONDS")
    error_message = "a pool has no request that could end"
  }
}

run "a_pool_may_take_longer" {
  command = plan

  variables {
    bus           = "store"
    slice_seconds = 1800
  }

  assert {
    condition     = output.environment_variables.queue_worker.AGENTCORE_SLICE_SECONDS == "1800"
    error_message = "no push ends it"
  }
}

run "external" {
  command = plan

  variables {
    database     = "external"
    database_url = "cockroachdb://agentcore:secret@db.example.com:26257/agentcore?sslmode=verify-full"
  }

  assert {
    condition     = output.database_host == null
    error_message = "nothing of Cloud SQL is made"
  }
}

run "oidc" {
  command = plan

  variables {
    auth          = "oidc"
    oidc_issuer   = "https://login.example.com/"
    oidc_audience = "https://agents.example.com"
  }

  assert {
    condition     = output.environment_variables.http_chat.AGENTCORE_OIDC_ISSUER == "https://login.example.com/" && !contains(keys(output.environment_variables.queue_worker), "AGENTCORE_OIDC_ISSUER")
    error_message = "who calls is the API's business alone"
  }
}

run "google_asks" {
  command = plan

  variables {
    auth         = "none"
    allow_public = false
    invokers     = ["group:agents@example.com"]
  }

  assert {
    condition     = output.environment_variables.http_chat.AGENTCORE_ALLOW_UNAUTHENTICATED == "true"
    error_message = "nobody asks a second time"
  }
}

run "the_longest_names_fit" {
  command = plan

  variables {
    name        = "an-agentcore-of-ours"
    environment = "production"
  }

  assert {
    condition     = length(local.account) + length("-deploy") <= 30
    error_message = "a service account's name has 30 characters"
  }
  assert {
    condition     = length("${local.prefix}-preflight") + 9 < 63
    error_message = "an execution's name has 62"
  }
}

run "none_lets_in_everybody" {
  command = plan
  variables {
    auth = "none"
  }
  expect_failures = [var.auth]
}

run "refused" {
  command = plan
  variables {
    name               = "Agents"
    environment        = "production-eu"
    region             = "europe-west1-b"
    image              = "agentcore:latest"
    database           = "rds"
    database_size      = "db-n1-standard-1"
    bus                = "sqs"
    compute            = "gke"
    auth               = "oidc"
    invokers           = ["allUsers"]
    secret_names       = ["openai_key"]
    secrets_version    = 0
    settings           = { LOG_LEVEL = "debug" }
    wakeup_schedule    = "rate(1 minute)"
    min_replicas       = 11
    max_replicas       = 10
    min_workers        = 11
    max_workers        = 10
    memory             = "256Mi"
    slice_seconds      = 600
    budget_monthly_usd = 9.5
    alert_emails       = ["ops"]
    retention_days     = 0
    tags               = { Team = "agents" }
  }
  expect_failures = [
    var.name, var.environment, var.region, var.image, var.database, var.database_size, var.bus,
    var.compute, var.oidc_issuer, var.oidc_audience, var.invokers, var.secret_names, var.secrets_version, var.settings,
    var.wakeup_schedule, var.min_replicas, var.min_workers, var.memory, var.budget_monthly_usd,
    var.alert_emails, var.retention_days, var.tags,
  ]
}

run "a_slice_that_pubsub_would_cut" {
  command = plan
  variables {
    slice_seconds = 561
  }
  expect_failures = [var.slice_seconds]
}

run "too_few_connections_and_a_secret_without_a_value" {
  command = plan
  variables {
    database_connections = 124
    secret_names         = ["OPENAI_API_KEY"]
  }
  expect_failures = [var.database_connections, var.secrets]
}

run "too_many" {
  command = plan
  variables {
    database_connections = 2000
    max_replicas         = 101
    max_workers          = 101
  }
  expect_failures = [var.max_replicas, var.max_workers]
}

run "an_external_database_needs_its_url" {
  command = plan
  variables {
    database = "external"
  }
  expect_failures = [var.database_url]
}

run "settings_that_are_variables" {
  command = plan
  variables {
    settings = { AGENTCORE_SLICE_SECONDS = "900" }
  }
  expect_failures = [var.settings]
}

run "settings_that_are_secrets" {
  command = plan
  variables {
    settings = { AGENTCORE_REDIS_TOKEN = "secret" }
  }
  expect_failures = [var.settings]
}
