# What only Azure has.

variable "registry_id" {
  type        = string
  default     = null
  description = "Resource id of the Azure Container Registry that `image` names, where that is not the one made here."
  validation {
    condition     = var.registry_id == null || can(regex("/providers/Microsoft.ContainerRegistry/registries/[^/]+$", var.registry_id))
    error_message = "registry_id must be the resource id of a registry: az acr show --name NAME --query id."
  }
}

variable "high_availability" {
  type        = bool
  default     = false
  description = "Keep a standby of the database in another zone. Needs a database_size of the tier GP or MO, and doubles what it costs."
}

variable "address_space" {
  type        = string
  default     = "10.42.0.0/16"
  description = "Addresses of the virtual network that the database is in; /16, so that its subnets fit."
  validation {
    condition     = can(cidrhost(var.address_space, 0)) && endswith(var.address_space, "/16")
    error_message = "address_space must be an IPv4 range with /16, as in 10.42.0.0/16."
  }
}

variable "deployers" {
  type        = set(string)
  default     = []
  description = "Object ids of users, groups and service principals that may write the secrets. Empty: whoever applies this."
}

variable "run_migration" {
  type        = bool
  default     = true
  description = "Migrate the database and run the preflight during apply, before new code is deployed. Needs the az command, signed in. false: you do it, with the output migrate_command."
}
