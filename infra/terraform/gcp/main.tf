# agentcore on Google Cloud: http_chat, queue_worker and timer_wakeup on Cloud Run.

data "google_project" "this" {}

resource "google_artifact_registry_repository" "images" {
  repository_id = local.prefix
  location      = var.region
  format        = "DOCKER"
  labels        = local.labels

  docker_config {
    immutable_tags = true
  }

  cleanup_policies {
    id     = "old"
    action = "DELETE"
    condition {
      older_than = "15552000s" # 180 days
    }
  }
  cleanup_policies {
    id     = "recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 30
    }
  }
}

module "database" {
  source = "./modules/database"
  count  = var.database == "managed" ? 1 : 0

  prefix              = local.prefix
  region              = var.region
  size                = var.database_size
  connections         = var.database_connections
  high_availability   = var.high_availability
  deletion_protection = var.deletion_protection
  password_version    = var.secrets_version
  labels              = local.labels
}

module "external_database" {
  source = "./modules/secret"
  count  = var.database == "external" ? 1 : 0

  secret_id     = "${local.prefix}-AGENTCORE_DATABASE_URL"
  region        = var.region
  labels        = local.labels
  value         = var.database_url
  value_version = var.secrets_version
}

module "secret" {
  source   = "./modules/secret"
  for_each = var.secret_names

  secret_id     = "${local.prefix}-${each.value}"
  region        = var.region
  labels        = local.labels
  value         = var.secrets[each.value]
  value_version = var.secrets_version
}

# -- who each of them is

module "api_identity" {
  source = "./modules/identity"

  account_id   = "${local.account}-api"
  display_name = "${local.prefix} http_chat"
  secrets      = local.secret_ids
}

module "worker_identity" {
  source = "./modules/identity"

  account_id   = "${local.account}-worker"
  display_name = "${local.prefix} queue_worker"
  secrets      = local.secret_ids
}

module "timer_identity" {
  source = "./modules/identity"

  account_id   = "${local.account}-timer"
  display_name = "${local.prefix} timer_wakeup"
  secrets      = { for name, id in local.secret_ids : name => id if startswith(name, "AGENTCORE_") }
}

module "deploy_identity" {
  source = "./modules/identity"

  account_id   = "${local.account}-deploy"
  display_name = "${local.prefix} migrate and preflight"
  secrets      = local.secret_ids
}

module "caller_identity" {
  source = "./modules/identity"

  account_id   = "${local.account}-caller"
  display_name = "${local.prefix} Pub/Sub and Cloud Scheduler, when they call"
}

# -- before new code takes traffic

locals {
  network = one(module.database[*].network)
}

module "migrate" {
  source = "./modules/job"

  name            = "${local.prefix}-migrate"
  region          = var.region
  image           = var.image
  args            = ["migrate"]
  execute         = true
  service_account = module.deploy_identity.email
  environment     = local.common
  secrets         = { AGENTCORE_DATABASE_URL = local.secrets.AGENTCORE_DATABASE_URL }
  network         = local.network
  memory          = var.memory
  labels          = local.labels
}

module "preflight" {
  source = "./modules/job"

  name            = "${local.prefix}-preflight"
  region          = var.region
  image           = var.image
  args            = ["preflight"]
  execute         = true
  service_account = module.deploy_identity.email
  environment     = local.common
  secrets         = local.secrets
  network         = local.network
  memory          = var.memory
  labels          = local.labels

  depends_on = [module.migrate]
}

# agentcore by hand, where the database is: gcloud run jobs execute …-admin --args=migrate
module "admin" {
  source = "./modules/job"

  name            = "${local.prefix}-admin"
  region          = var.region
  image           = var.image
  args            = ["preflight"]
  execute         = false
  service_account = module.deploy_identity.email
  environment     = local.common
  secrets         = local.secrets
  network         = local.network
  memory          = var.memory
  labels          = local.labels
}
