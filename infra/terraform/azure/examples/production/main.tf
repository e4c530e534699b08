# What production wants: an API that is always awake, a database with a standby, and somebody who is told.

terraform {
  required_version = ">= 1.11"
  required_providers {
    azurerm = { source = "hashicorp/azurerm", version = "~> 5.0" }
    azapi   = { source = "azure/azapi", version = "~> 2.0" }
    random  = { source = "hashicorp/random", version = "~> 3.7" }
  }

  # `terraform init -backend-config=backend.hcl`: docs/deploy/azure.md makes the storage and the file.
  backend "azurerm" {}
}

provider "azurerm" {
  resource_providers_to_register = [ # the provider registers none by itself
    "Microsoft.App", "Microsoft.ContainerRegistry", "Microsoft.DBforPostgreSQL", "Microsoft.Insights",
    "Microsoft.KeyVault", "Microsoft.ManagedIdentity", "Microsoft.Network", "Microsoft.OperationalInsights",
    "Microsoft.ServiceBus",
  ]
  features {
    application_insights {
      disable_generated_rule = true # else Azure puts a rule into the resource group that is not ours to delete
    }
    key_vault {
      purge_soft_delete_on_destroy = false # deletion_protection forbids it
    }
  }
}

provider "azapi" {}

variable "image" {
  type        = string
  description = "The image in the registry that is made here, by tag or digest."
}

variable "openai_api_key" {
  type        = string
  sensitive   = true
  ephemeral   = true
  description = "Key of the model server. It goes to Key Vault, and is in no plan and no state."
}

variable "oidc_issuer" {
  type        = string
  description = "Whose tokens callers may show beside API keys."
}

variable "oidc_audience" {
  type        = string
  description = "What these tokens are meant for."
}

variable "alert_emails" {
  type        = list(string)
  description = "Who is told of dead letters, errors and costs."
}

variable "deployers" {
  type        = set(string)
  default     = []
  description = "Object ids of the pipeline and of those who may write secrets."
}

module "agentcore" {
  source = "../.."

  environment = "prod"
  image       = var.image
  model       = "gpt-5-mini"

  auth          = "keys,oidc"
  oidc_issuer   = var.oidc_issuer
  oidc_audience = var.oidc_audience

  secrets      = { OPENAI_API_KEY = var.openai_api_key }
  secret_names = ["OPENAI_API_KEY"]
  deployers    = var.deployers

  database_size       = "GP_Standard_D2ds_v5"
  high_availability   = true
  deletion_protection = true

  min_replicas = 2
  max_replicas = 20
  max_workers  = 20

  settings = { AGENTCORE_HSTS_SECONDS = "31536000" }

  budget_monthly_usd = 600
  alert_emails       = var.alert_emails
  retention_days     = 90
  tags               = { application = "agentcore", environment = "production" }
}

output "url" { value = module.agentcore.url }
output "registry" { value = module.agentcore.registry }
output "migrate_command" { value = module.agentcore.migrate_command }
output "log_query" { value = module.agentcore.log_query }
