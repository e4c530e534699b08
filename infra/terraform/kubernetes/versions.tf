terraform {
  required_version = ">= 1.11" # OpenTofu too: write-only attributes keep secrets out of the state

  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "~> 3.0"
    }
    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.0"
    }
  }
}
