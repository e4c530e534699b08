variable "name" { type = string }
variable "resource_group_name" { type = string }
variable "location" { type = string }
variable "tags" { type = map(string) }
variable "environment_id" { type = string }
variable "identity_id" { type = string }
variable "image" { type = string }
variable "registry" { type = string }
variable "subscription_id" { type = string }

variable "variables" {
  type        = map(string)
  description = "The environment."
}

variable "secrets" {
  type        = map(string)
  description = "Variables whose values are in Key Vault: what references them."
}

variable "members" {
  type        = map(string)
  description = "With a managed database: who may use it, by name, and their object ids."
}

variable "secrets_version" { type = number }

variable "run" {
  type        = bool
  description = "Start it now, and wait for its end."
}
