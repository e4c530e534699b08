variable "account_id" {
  description = "Name of the service account, at most 30 characters."
  type        = string
}

variable "display_name" {
  description = "What it is for."
  type        = string
}

variable "secrets" {
  description = "Ids of the secrets that it may read, by the variable that they become."
  type        = map(string)
  default     = {}
}
