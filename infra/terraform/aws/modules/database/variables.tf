variable "name" {
  description = "Name of the instance."
  type        = string
}

variable "vpc_id" {
  description = "Network."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets in two zones."
  type        = list(string)
}

variable "app_security_group_id" {
  description = "Who may connect."
  type        = string
}

variable "size" {
  description = "Instance class."
  type        = string
}

variable "connections" {
  description = "max_connections."
  type        = number
}

variable "high_availability" {
  description = "Whether there is a standby in the other zone."
  type        = bool
}

variable "password" {
  description = "Of the owner, agentcore."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "password_version" {
  description = "When it changes, the password is written again."
  type        = number
}

variable "deletion_protection" {
  description = "Whether it cannot be deleted."
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
