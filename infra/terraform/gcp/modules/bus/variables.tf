variable "topic" {
  description = "What it is called."
  type        = string
}

variable "project_number" {
  description = "The project's number, which Pub/Sub's own account is called by."
  type        = string
}

variable "endpoint" {
  description = "URL that messages are pushed to."
  type        = string
}

variable "caller" {
  description = "The service account that pushes are made as."
  type        = object({ id = string, email = string })
}

variable "senders" {
  description = "Who may send runs, by the function."
  type        = map(string)
}

variable "worker" {
  description = "Who may put messages among the dead letters."
  type        = string
}

variable "looker" {
  description = "Who may look whether all is there."
  type        = string
}

variable "delivery_attempts" {
  description = "Pushes after which Pub/Sub itself gives a message up; more than AGENTCORE_BUS_ATTEMPTS."
  type        = number

  validation {
    condition     = var.delivery_attempts >= 5 && var.delivery_attempts <= 100
    error_message = "delivery_attempts: Pub/Sub takes 5 to 100."
  }
}

variable "labels" {
  description = "Labels."
  type        = map(string)
}
