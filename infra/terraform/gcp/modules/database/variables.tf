variable "prefix" {
  description = "What names begin with."
  type        = string
}

variable "region" {
  description = "Where it is."
  type        = string
}

variable "size" {
  description = "Machine type."
  type        = string
}

variable "connections" {
  description = "Most connections at once."
  type        = number
}

variable "high_availability" {
  description = "Whether there is a standby in another zone."
  type        = bool
}

variable "deletion_protection" {
  description = "Whether nobody can delete it."
  type        = bool
}

variable "password_version" {
  description = "There is a new password when this changes."
  type        = number
}

variable "labels" {
  description = "Labels."
  type        = map(string)
}
