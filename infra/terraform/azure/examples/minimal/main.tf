# The least that works: it costs little while nobody calls. `terraform apply -var image=agents:0.1.0`

terraform {
  required_version = ">= 1.11"
  required_providers {
    azurerm = { source = "hashicorp/azurerm", version = "~> 5.0" }
    azapi   = { source = "azure/azapi", version = "~> 2.0" }
    random  = { source = "hashicorp/random", version = "~> 3.7" }
  }
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
  }
}

provider "azapi" {}

variable "image" {
  type        = string
  description = "The image in the registry that is made here, as agents:0.1.0."
}

module "agentcore" {
  source = "../.."

  image         = var.image
  database_size = "B_Standard_B1ms" # 35 connections: enough for these
  max_replicas  = 3
  max_workers   = 3
}

output "url" { value = module.agentcore.url }
output "registry" { value = module.agentcore.registry }
output "migrate_command" { value = module.agentcore.migrate_command }
output "log_query" { value = module.agentcore.log_query }
