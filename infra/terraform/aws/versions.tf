terraform {
  required_version = ">= 1.11" # OpenTofu too: ephemeral values and write-only attributes keep secrets out of the state

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }
}
