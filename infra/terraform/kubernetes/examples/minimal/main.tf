# The least that runs: API, one worker, clock and a PostgreSQL of CloudNativePG, all in this cluster.
#   export TF_VAR_secrets='{"OPENAI_API_KEY":"…"}'
#   terraform apply -var image=registry.example.com/agentcore:1.0.0

variable "image" {
  description = "Container image, with a tag or digest."
  type        = string
}

variable "secrets" {
  description = "The secret variables' values: OPENAI_API_KEY."
  type        = map(string)
  sensitive   = true
  ephemeral   = true
}

variable "context" {
  description = "Context of ~/.kube/config. Null: the current one."
  type        = string
  default     = null
}

provider "kubernetes" {
  config_path    = "~/.kube/config"
  config_context = var.context
}

provider "helm" {
  kubernetes = {
    config_path    = "~/.kube/config"
    config_context = var.context
  }
}

module "agentcore" {
  source = "../.."

  image        = var.image
  secret_names = ["OPENAI_API_KEY"]
  secrets      = var.secrets
}

output "agentcore" {
  description = "All outputs."
  value       = module.agentcore
}
