variable "name" {
  description = "Name of the queue; its dead letters are in NAME-dead."
  type        = string
}

variable "visibility_seconds" {
  description = "A message that was received and not deleted comes again after so long."
  type        = number
}

variable "most_receives" {
  description = "A message that was received so often goes to the dead letters."
  type        = number
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
}
