variable "name" {
  description = "Name of the task, its roles and its log group."
  type        = string
}

variable "region" {
  description = "Region."
  type        = string
}

variable "account_id" {
  description = "The account, whose tasks alone may take the roles."
  type        = string
}

variable "image" {
  description = "Container image."
  type        = string
}

variable "repository_arn" {
  description = "The image's repository in ECR."
  type        = string
}

variable "architecture" {
  description = "x86_64 or arm64."
  type        = string
}

variable "memory" {
  description = "MB."
  type        = number
}

variable "command" {
  description = "Arguments of agentcore."
  type        = list(string)
}

variable "environment" {
  description = "Environment variables."
  type        = map(string)
}

variable "permissions" {
  description = "What the product may do."
  type        = list(object({ actions = list(string), resources = list(string) }))
}

variable "retention_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
}
