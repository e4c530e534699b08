# The least that works: everything scales to zero, and the smallest database. Nothing is kept when it is destroyed.

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
  description = "Container image with a tag or digest, built with the extra gcp."
  type        = string
}

variable "openai_api_key" {
  description = "Key of the model server."
  type        = string
  sensitive   = true
  ephemeral   = true
}

provider "google" {
  project               = var.project
  region                = var.region
  billing_project       = var.project # what you sign in with yourself has no quota of its own
  user_project_override = true
}

module "agentcore" {
  source = "../.."

  region       = var.region
  image        = var.image
  secret_names = ["OPENAI_API_KEY"]
  secrets      = { OPENAI_API_KEY = var.openai_api_key }

  database_size        = "db-f1-micro"
  database_connections = 40
  max_replicas         = 2
  max_workers          = 1
  wakeup_schedule      = "*/5 * * * *"
  budget_monthly_usd   = 0 # needs a role on the billing account
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
