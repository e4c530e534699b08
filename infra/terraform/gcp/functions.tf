# The three functions, and what calls them. None takes traffic before migrate and preflight have ended well.

module "api" {
  source = "./modules/service"

  name            = "${local.prefix}-api"
  region          = var.region
  image           = var.image
  app             = "http_chat.cloud_run:app"
  service_account = module.api_identity.email
  environment     = local.environment.http_chat
  secrets         = local.secrets
  network         = local.network
  timeout_seconds = local.api_seconds
  concurrency     = 80
  memory          = var.memory
  min_instances   = var.min_replicas
  max_instances   = var.max_replicas
  public          = var.allow_public
  invokers        = var.allow_public ? {} : { for one in var.invokers : one => one }
  labels          = local.labels

  depends_on = [module.preflight]
}

module "worker" {
  source = "./modules/service"
  count  = var.bus == "pubsub" ? 1 : 0

  name            = "${local.prefix}-worker"
  region          = var.region
  image           = var.image
  app             = "queue_worker.cloud_run:app"
  service_account = module.worker_identity.email
  environment     = local.environment.queue_worker
  secrets         = local.secrets
  network         = local.network
  timeout_seconds = local.worker_seconds
  concurrency     = local.concurrency
  memory          = var.memory
  min_instances   = var.min_workers
  max_instances   = var.max_workers
  internal        = true
  invokers        = { pubsub = module.caller_identity.member }
  labels          = local.labels

  depends_on = [module.preflight]
}

module "bus" {
  source = "./modules/bus"
  count  = var.bus == "pubsub" ? 1 : 0

  topic             = local.topic
  project_number    = data.google_project.this.number
  endpoint          = module.worker[0].callable
  caller            = { id = module.caller_identity.id, email = module.caller_identity.email }
  senders           = { for name, one in local.senders : name => one }
  worker            = module.worker_identity.member
  looker            = module.api_identity.member
  delivery_attempts = min(100, max(5, 2 * tonumber(lookup(var.settings, "AGENTCORE_BUS_ATTEMPTS", "10"))))
  labels            = local.labels
}

locals {
  senders = {
    http_chat    = module.api_identity.member
    queue_worker = module.worker_identity.member
    timer_wakeup = module.timer_identity.member
  }
}

module "pool" {
  source = "./modules/pool"
  count  = var.bus == "store" ? 1 : 0

  name            = "${local.prefix}-worker"
  region          = var.region
  image           = var.image
  instances       = max(1, var.min_workers)
  service_account = module.worker_identity.email
  environment     = local.environment.queue_worker
  secrets         = local.secrets
  network         = local.network
  memory          = var.memory
  labels          = local.labels

  depends_on = [module.preflight]
}

module "timer" {
  source = "./modules/service"

  name            = "${local.prefix}-timer"
  region          = var.region
  image           = var.image
  app             = "timer_wakeup.cloud_run:app"
  service_account = module.timer_identity.email
  environment     = local.environment.timer_wakeup
  secrets         = local.timer_secrets
  network         = local.network
  timeout_seconds = local.tick_seconds
  concurrency     = 4
  memory          = "512Mi"
  max_instances   = 1
  internal        = true
  invokers        = { scheduler = module.caller_identity.member }
  labels          = local.labels

  depends_on = [module.preflight]
}

resource "google_cloud_scheduler_job" "tick" {
  name             = "${local.prefix}-tick"
  region           = var.region
  description      = "Calls timer_wakeup."
  schedule         = var.wakeup_schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "${local.tick_seconds + 30}s"

  http_target {
    http_method = "POST"
    uri         = module.timer.callable
    oidc_token {
      service_account_email = module.caller_identity.email
      audience              = module.timer.callable
    }
  }
}

module "observability" {
  source = "./modules/observability"

  prefix               = local.prefix
  project_id           = local.project
  project_number       = data.google_project.this.number
  region               = var.region
  emails               = var.alert_emails
  slice_seconds        = var.slice_seconds
  subscription         = one(module.bus[*].subscription)
  dead_subscription    = one(module.bus[*].dead_subscription)
  database             = var.database == "managed" ? "${local.project}:${module.database[0].instance}" : null
  database_connections = var.database_connections
  retention_days       = var.retention_days
  billing_account      = data.google_project.this.billing_account
  budget               = var.budget_monthly_usd
  labels               = local.labels
}
