# Workers as jobs of KEDA that come with the work, a database outside of the cluster, RabbitMQ of its operators, a public
# name, metrics. The namespace is made by hand: kubectl create namespace agents
#   export TF_VAR_database_url='postgresql://…?sslmode=verify-full' TF_VAR_secrets='{"OPENAI_API_KEY":"…"}'

variable "image" {
  description = "Container image, with a digest."
  type        = string
}

variable "database_url" {
  description = "The database, with its user and password."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "secrets" {
  description = "The secret variables' values: OPENAI_API_KEY."
  type        = map(string)
  sensitive   = true
  ephemeral   = true
}

variable "secrets_version" {
  description = "Raise it to write the secrets again."
  type        = number
  default     = 1
}

variable "context" {
  description = "Context of ~/.kube/config."
  type        = string
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

  environment         = "prod"
  namespace           = "agents"
  create_namespace    = false
  deletion_protection = true

  image  = var.image
  agents = "my_agents"
  model  = "gpt-5-mini"

  database          = "external"
  database_url      = var.database_url
  bus               = "rabbitmq"
  high_availability = true

  secret_names    = ["OPENAI_API_KEY"]
  secrets         = var.secrets
  secrets_version = var.secrets_version

  min_replicas = 3
  max_replicas = 20
  worker       = "scaledjob"
  min_workers  = 1
  max_workers  = 40

  host = "agents.example.com"
  ingress = {
    class_name  = "nginx"
    tls_secret  = "agents-tls"
    annotations = { "cert-manager.io/cluster-issuer" = "letsencrypt" }
  }
  settings = { AGENTCORE_HSTS_SECONDS = "31536000" }
  values   = file("${path.module}/values.yaml")

  tags = { team = "agents" }
}

output "agentcore" {
  description = "All outputs."
  value       = module.agentcore
}
