terraform {
  required_version = ">= 1.11" # OpenTofu too: write-only attributes keep passwords out of the state

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }
}
