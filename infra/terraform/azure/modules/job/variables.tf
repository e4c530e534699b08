variable "name" { type = string }
variable "resource_group_name" { type = string }
variable "location" { type = string }
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

variable "timeout" {
  type        = number
  description = "Seconds after which an execution is ended: SIGTERM, and SIGKILL 30 s later."
}

variable "trigger" {
  type = object({
    schedule = optional(string)
    event = optional(object({
      type        = string
      metadata    = map(string)
      most        = number
      identity_id = optional(string)
      # Of a scaler that knows no identities: its parameters, and what references their values, or the values themselves.
      references = optional(map(string), {})
      values     = optional(map(string), {})
    }))
  })
  description = "What starts it. Neither: somebody does."
}
