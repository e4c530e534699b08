variable "name" {
  description = "Name of the function, its role and its log group."
  type        = string
}

variable "function_arn" {
  description = "The function's ARN, as it will be."
  type        = string
}

variable "image" {
  description = "Container image."
  type        = string
}

variable "handler" {
  description = "What Lambda's runtime client calls; null where the image has a command of its own."
  type        = string
  default     = null
}

variable "architecture" {
  description = "x86_64 or arm64."
  type        = string
}

variable "memory" {
  description = "MB."
  type        = number
}

variable "seconds" {
  description = "Time-out."
  type        = number
}

variable "concurrency" {
  description = "Most copies at once, kept free for it; -1: what the account has left."
  type        = number
  default     = -1
}

variable "publish" {
  description = "Whether each change is a version, behind the alias live."
  type        = bool
  default     = false
}

variable "environment" {
  description = "Environment variables."
  type        = map(string)
}

variable "permissions" {
  description = "What the role may do beside writing logs."
  type        = list(object({ actions = list(string), resources = list(string) }))
}

variable "network" {
  description = "The network it is in; null for none."
  type        = object({ subnet_ids = list(string), security_group_id = string })
}

variable "retention_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
}
