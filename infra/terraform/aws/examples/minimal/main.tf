# The least that runs: functions, a queue and a clock, on a PostgreSQL of yours. No network, and next to nothing to pay
# while nobody calls.
#
#   export TF_VAR_image=123456789012.dkr.ecr.eu-central-1.amazonaws.com/agentcore:1.0
#   export TF_VAR_database_url='postgresql://USER:PASSWORD@HOST/NAME?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt'
#   export TF_VAR_openai_api_key=…
#   terraform init && terraform apply

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

provider "aws" {
  region = var.region
}

module "agentcore" {
  source = "../.."

  region       = var.region
  image        = var.image
  web_image    = var.web_image
  database     = "external"
  database_url = var.database_url
  secret_names = ["OPENAI_API_KEY"]
  secrets      = { OPENAI_API_KEY = var.openai_api_key }
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "eu-central-1"
}

variable "image" {
  description = "Image in ECR."
  type        = string
}

variable "web_image" {
  description = "The same with the Lambda Web Adapter, for answers that stream."
  type        = string
  default     = ""
}

variable "database_url" {
  description = "Your database."
  type        = string
  sensitive   = true
  ephemeral   = true
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
