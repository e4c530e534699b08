variable "name" {
  description = "What it is called."
  type        = string
}

variable "region" {
  description = "Where it runs."
  type        = string
}

variable "image" {
  description = "Container image."
  type        = string
}

variable "app" {
  description = "What uvicorn serves, as MODULE:NAME."
  type        = string
}

variable "service_account" {
  description = "Who it is."
  type        = string
}

variable "environment" {
  description = "Environment variables."
  type        = map(string)
}

variable "secrets" {
  description = "Environment variables from secrets."
  type        = map(object({ secret = string, version = string }))
}

variable "network" {
  description = "Where the database is, if it has a private address."
  type        = object({ network = string, subnetwork = string })
}

variable "timeout_seconds" {
  description = "Longest request."
  type        = number
}

variable "concurrency" {
  description = "Requests at once in one instance."
  type        = number
}

variable "memory" {
  description = "Memory of an instance."
  type        = string
}

variable "min_instances" {
  description = "Instances that are always ready."
  type        = number
  default     = 0
}

variable "max_instances" {
  description = "Most instances."
  type        = number
}

variable "internal" {
  description = "Only Google's services of this project reach it, not the internet."
  type        = bool
  default     = false
}

variable "public" {
  description = "Google asks nobody who they are: the application does."
  type        = bool
  default     = false
}

variable "invokers" {
  description = "Who may call it, where Google asks, by any name."
  type        = map(string)
  default     = {}
}

variable "labels" {
  description = "Labels."
  type        = map(string)
}
