variable "name" {
  description = "What its parts are called."
  type        = string
}

variable "emails" {
  description = "Who hears of them."
  type        = list(string)
}

variable "functions" {
  description = "Names of functions, by role."
  type        = map(string)
}

variable "clock" {
  description = "Name of the function that is called on a schedule."
  type        = string
}

variable "clock_minutes" {
  description = "Minutes between two calls of it."
  type        = number
}

variable "queue_name" {
  description = "The queue; null without one."
  type        = string
}

variable "dead_queue_name" {
  description = "Its dead letters; null without one."
  type        = string
}

variable "database_id" {
  description = "The managed database; null without one."
  type        = string
}

variable "database_connections" {
  description = "Its max_connections."
  type        = number
}

variable "balancer" {
  description = "The load balancer, by what metrics call it; null without one."
  type        = object({ suffix = string })
}

variable "budget_monthly_usd" {
  description = "0: no budget."
  type        = number
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
}
