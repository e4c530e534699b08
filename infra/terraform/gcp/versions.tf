terraform {
  required_version = ">= 1.11" # OpenTofu too: write-only attributes keep passwords out of the state

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.7" # run_execution_token of a job is new
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }
}
