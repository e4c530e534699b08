# What only AWS has.

variable "web_image" {
  description = "The same image with the Lambda Web Adapter (lambda.Dockerfile), for http_chat: with it answers stream. Empty: they come whole."
  type        = string
  default     = ""

  validation {
    condition     = var.web_image == "" || can(regex("^[0-9]{12}\\.dkr\\.ecr\\..+(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9._-]*)$", var.web_image))
    error_message = "web_image: an address in ECR with a tag or digest, as of image."
  }
  validation {
    condition     = var.web_image == "" || var.web_image != var.image
    error_message = "web_image: not that of image: the adapter starts in every function of its image, and takes the events of the other roles."
  }
}

variable "architecture" {
  description = "What the images are built for: x86_64 or arm64."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture: x86_64 or arm64."
  }
}

variable "memory_mb" {
  description = "MB of a copy of http_chat and of queue_worker. On Lambda processor time grows with it: 1,769 is one vCPU."
  type        = number
  default     = 1024

  validation {
    condition     = contains([1024, 2048, 3072, 4096], var.memory_mb)
    error_message = "memory_mb: 1024, 2048, 3072 or 4096, which both Lambda and half a vCPU of Fargate take."
  }
}

variable "database_sign_in" {
  description = "How functions sign in to the managed database: iam, with a token of their role, as a role that owns nothing; or password, as its owner."
  type        = string
  default     = "iam"

  validation {
    condition     = contains(["iam", "password"], var.database_sign_in)
    error_message = "database_sign_in: iam or password."
  }
}

variable "database_ca" {
  description = "File in the image with the certificates of Amazon RDS: with it the database must show who it is. Empty: it is encrypted, and not looked at."
  type        = string
  default     = ""

  validation {
    condition     = var.database_ca == "" || startswith(var.database_ca, "/")
    error_message = "database_ca: a full path, such as /etc/ssl/rds.pem."
  }
}

variable "high_availability" {
  description = "The managed database has a standby in the other zone; this doubles its price."
  type        = bool
  default     = false
}

variable "address_space" {
  description = "Addresses of the network, where there is one: for the managed database, and on Fargate."
  type        = string
  default     = "10.43.0.0/16"

  validation {
    condition     = can(cidrhost(var.address_space, 0)) && endswith(var.address_space, "/16")
    error_message = "address_space: an IPv4 range with /16, as in 10.43.0.0/16."
  }
}

variable "zones" {
  description = "Letters of the two availability zones. ap-northeast-1 has no b for most accounts: there take a and c."
  type        = list(string)
  default     = ["a", "b"]

  validation {
    condition     = length(distinct(var.zones)) == 2 && alltrue([for one in var.zones : can(regex("^[a-z]$", one))])
    error_message = "zones: two letters, as in [\"a\", \"b\"]; aws ec2 describe-availability-zones lists what there is."
  }
}

variable "egress" {
  description = "How what is in the network reaches the rest. nat: everything, through a NAT gateway. endpoints: only AWS itself, for models that are in the network or on AWS."
  type        = string
  default     = "nat"

  validation {
    condition     = contains(["nat", "endpoints"], var.egress)
    error_message = "egress: nat or endpoints."
  }
  validation {
    condition     = var.egress != "endpoints" || var.database == "managed"
    error_message = "egress: endpoints do not lead to a database of yours: take nat."
  }
}

variable "certificate_arn" {
  description = "With compute = \"fargate\": the certificate of ACM that the load balancer shows, in the same region."
  type        = string
  default     = ""

  validation {
    condition     = var.compute != "fargate" || can(regex("^arn:aws[a-z-]*:acm:", var.certificate_arn))
    error_message = "certificate_arn: compute = \"fargate\" needs a certificate of ACM: arn:aws:acm:REGION:ACCOUNT:certificate/…"
  }
}

variable "domain" {
  description = "With compute = \"fargate\": the name that the certificate is for. Lead it to the output load_balancer by a CNAME or alias."
  type        = string
  default     = ""

  validation {
    condition     = var.compute != "fargate" || can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.domain))
    error_message = "domain: compute = \"fargate\" needs the name that the certificate is for, such as agents.example.com."
  }
}

variable "preflight" {
  description = "Stop the deployment where a parked run would not resume on the new code. false: do not look."
  type        = bool
  default     = true
}
