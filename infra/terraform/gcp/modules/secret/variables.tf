variable "secret_id" {
  description = "What it is called."
  type        = string
}

variable "region" {
  description = "Where it is kept."
  type        = string
}

variable "labels" {
  description = "Labels."
  type        = map(string)
}

variable "value" {
  description = "What is written."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "value_version" {
  description = "The value is written again when this changes."
  type        = number
}
