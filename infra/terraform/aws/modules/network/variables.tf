variable "name" {
  description = "What its parts are called."
  type        = string
}

variable "region" {
  description = "Region."
  type        = string
}

variable "zones" {
  description = "Letters of two availability zones."
  type        = list(string)
}

variable "address_space" {
  description = "An IPv4 range with /16."
  type        = string
}

variable "egress" {
  description = "nat or endpoints."
  type        = string
}

variable "endpoints" {
  description = "Services that are called, by the end of their endpoints' names."
  type        = set(string)
}

variable "public" {
  description = "Whether there must be public subnets, also without a NAT gateway."
  type        = bool
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
}
