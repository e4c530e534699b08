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

variable "instances" {
  description = "How many there are."
  type        = number
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

variable "memory" {
  description = "Memory of an instance."
  type        = string
}

variable "labels" {
  description = "Labels."
  type        = map(string)
}
