variable "prefix" {
  description = "What names begin with."
  type        = string
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "project_number" {
  description = "Its number."
  type        = string
}

variable "region" {
  description = "Where logs are kept."
  type        = string
}

variable "emails" {
  description = "Who hears of it."
  type        = list(string)
}

variable "slice_seconds" {
  description = "How long a message may be held."
  type        = number
}

variable "subscription" {
  description = "Subscription that pushes to the worker; null where there is none."
  type        = string
  default     = null
}

variable "dead_subscription" {
  description = "Subscription of the dead letters; null where there is none."
  type        = string
  default     = null
}

variable "database" {
  description = "The database, as PROJECT:INSTANCE; null where it is not ours."
  type        = string
  default     = null
}

variable "database_connections" {
  description = "Most connections that it takes."
  type        = number
}

variable "retention_days" {
  description = "Days that logs are kept."
  type        = number
}

variable "billing_account" {
  description = "Who pays for the project."
  type        = string
}

variable "budget" {
  description = "Whole units of its currency a month; 0: no budget."
  type        = number
}

variable "labels" {
  description = "Labels."
  type        = map(string)
}
