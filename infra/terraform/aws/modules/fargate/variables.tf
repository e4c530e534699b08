variable "name" {
  description = "What its parts are called."
  type        = string
}

variable "region" {
  description = "Region."
  type        = string
}

variable "account_id" {
  description = "The account."
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
  description = "MB of a task."
  type        = number
}

variable "environments" {
  description = "Environment variables, by role."
  type        = map(map(string))
}

variable "permissions" {
  description = "What each role may do."
  type        = map(list(object({ actions = list(string), resources = list(string) })))
}

variable "vpc_id" {
  description = "Network."
  type        = string
}

variable "private_subnet_ids" {
  description = "Where tasks are."
  type        = list(string)
}

variable "public_subnet_ids" {
  description = "Where the load balancer is."
  type        = list(string)
}

variable "app_security_group_id" {
  description = "Security group of tasks."
  type        = string
}

variable "certificate_arn" {
  description = "What the load balancer shows."
  type        = string
}

variable "queue_name" {
  description = "The queue whose messages scale workers; null without one."
  type        = string
}

variable "min_replicas" {
  description = "Least tasks of http_chat."
  type        = number
}

variable "max_replicas" {
  description = "Most tasks of http_chat."
  type        = number
}

variable "max_workers" {
  description = "Most tasks of queue_worker."
  type        = number
}

variable "deletion_protection" {
  description = "Whether the load balancer cannot be deleted."
  type        = bool
}

variable "retention_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
}
