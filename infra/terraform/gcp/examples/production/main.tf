# For real traffic: always ready, a database with a standby that nobody can delete, tokens of your OpenID provider,
# alerts and a budget.

variable "project" {
  description = "Id of your project."
  type        = string
}

variable "region" {
  description = "Google's region."
  type        = string
  default     = "europe-west1"
}

variable "image" {
  description = "Container image with a digest, built with the extra gcp."
  type        = string
}

variable "agents" {
  description = "The module that registers your agents."
  type        = string
}

variable "secrets" {
  description = "OPENAI_API_KEY and AGENTCORE_WEBHOOK_SECRETS."
  type        = object({ OPENAI_API_KEY = string, AGENTCORE_WEBHOOK_SECRETS = string })
  sensitive   = true
  ephemeral   = true
}

variable "oidc_issuer" {
  description = "Your OpenID provider."
  type        = string
}

variable "oidc_audience" {
  description = "What its tokens must be meant for."
  type        = string
}

variable "alert_emails" {
  description = "Who hears of alerts and of the budget."
  type        = list(string)
}

provider "google" {
  project               = var.project
  region                = var.region
  billing_project       = var.project # what you sign in with yourself has no quota of its own
  user_project_override = true
}

module "agentcore" {
  source = "../.."

  environment = "prod"
  region      = var.region
  image       = var.image
  agents      = var.agents
  model       = "gpt-5-mini"

  secret_names = ["OPENAI_API_KEY", "AGENTCORE_WEBHOOK_SECRETS"]
  secrets      = var.secrets

  auth          = "keys,oidc"
  oidc_issuer   = var.oidc_issuer
  oidc_audience = var.oidc_audience
  settings = {
    AGENTCORE_OIDC_TENANT_CLAIM = "org_id"
    AGENTCORE_HSTS_SECONDS      = "31536000"
  }

  database_size        = "db-custom-2-7680"
  database_connections = 400
  high_availability    = true
  deletion_protection  = true

  min_replicas = 1
  max_replicas = 20
  min_workers  = 1
  max_workers  = 30
  memory       = "2Gi"

  budget_monthly_usd = 500
  alert_emails       = var.alert_emails
  retention_days     = 90
  tags               = { team = "agents" }
}

output "url" {
  description = "Where http_chat answers."
  value       = module.agentcore.url
}

output "image_repository" {
  description = "Where to push the image."
  value       = module.agentcore.image_repository
}

output "migrate_command" {
  description = "Migrates by hand."
  value       = module.agentcore.migrate_command
}

output "log_query" {
  description = "Reads the logs."
  value       = module.agentcore.log_query
}
