variable "name" { type = string }
variable "resource_group_name" { type = string }
variable "tags" { type = map(string) }
variable "environment_id" { type = string }
variable "identity_id" { type = string }
variable "image" { type = string }

variable "registry" {
  type        = string
  description = "Host of the registry that the identity signs in to; null where anybody may pull."
}

variable "command" {
  type        = list(string)
  default     = null
  description = "Instead of the image's entry point, which is agentcore."
}

variable "arguments" { type = list(string) }

variable "size" {
  type        = object({ cpu = number, memory = string })
  description = "A pair that Container Apps has: 0.25 and 0.5Gi, 0.5 and 1Gi, 1 and 2Gi."
}

variable "variables" {
  type        = map(string)
  description = "The environment."
}

variable "secrets" {
  type        = map(string)
  description = "Variables whose values are in Key Vault: what references them."
}

variable "replicas" { type = object({ least = number, most = number }) }

variable "port" {
  type        = number
  default     = null
  description = "Where it answers HTTP, to the whole internet. null: it answers nobody, and scales by its processor time."
}

variable "concurrent_requests" {
  type        = number
  default     = 50
  description = "So many requests at once that another replica is started."
}

variable "grace" {
  type        = number
  description = "Seconds from SIGTERM to SIGKILL. More than 60 were asked for and not given: plan for less."
}
