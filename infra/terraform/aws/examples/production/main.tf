# Functions in a network, with a database that has a standby, answers that stream, alarms, and nothing that is deleted by
# mistake. The state holds no secrets, and belongs where others find it all the same.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }

  # backend "s3" {
  #   bucket       = "my-terraform-state"
  #   key          = "agentcore/production"
  #   region       = "eu-central-1"
  #   encrypt      = true
  #   use_lockfile = true
  # }
}

provider "aws" {
  region = var.region
}

module "agentcore" {
  source = "../.."

  environment = "production"
  region      = var.region
  image       = var.image
  web_image   = var.web_image
  agents      = "my_agents"

  database_size       = "db.m7g.large"
  high_availability   = true
  database_ca         = "/etc/ssl/rds.pem"
  deletion_protection = true

  min_replicas = 2
  max_replicas = 200
  max_workers  = 50

  auth          = "oidc"
  oidc_issuer   = "https://login.example.com/"
  oidc_audience = "https://agents.example.com"

  secret_names    = ["OPENAI_API_KEY"]
  secrets         = { OPENAI_API_KEY = var.openai_api_key }
  secrets_version = 1
  settings        = { AGENTCORE_LOG_LEVEL = "warning" }

  budget_monthly_usd = 1000
  alert_emails       = ["ops@example.com"]
  retention_days     = 90
  tags               = { owner = "agents", stage = "production" }
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "eu-central-1"
}

variable "image" {
  description = "Image in ECR, with your agents and the certificates of Amazon RDS."
  type        = string
}

variable "web_image" {
  description = "The same with the Lambda Web Adapter."
  type        = string
}

variable "openai_api_key" {
  description = "Key of the model server."
  type        = string
  sensitive   = true
  ephemeral   = true
}

output "url" {
  value = module.agentcore.url
}

output "migrate_command" {
  value = module.agentcore.migrate_command
}

output "log_query" {
  value = module.agentcore.log_query
}
