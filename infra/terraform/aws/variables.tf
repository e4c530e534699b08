# What every cloud has, under the same names. What only AWS has is in variables-aws.tf.

variable "name" {
  description = "What this deployment is called; resources are NAME-ENVIRONMENT-…"
  type        = string
  default     = "agentcore"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name: 3 to 20 lower-case letters, digits and single hyphens, beginning with a letter."
  }
}

variable "environment" {
  description = "Which of several deployments this is: dev, staging, production. One account has each name only once."
  type        = string
  default     = "dev"

  validation {
    condition     = can(regex("^[a-z0-9]{2,10}$", var.environment))
    error_message = "environment: 2 to 10 lower-case letters and digits."
  }
}

variable "region" {
  description = "The region that everything is in. The provider must have the same."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: a region, such as eu-central-1."
  }
}

variable "image" {
  description = "Image in ECR with the extras aws and lambda, with a tag or digest. Lambda takes it from this account and region only."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?/", var.image))
    error_message = "image: an address in ECR, such as 123456789012.dkr.ecr.eu-central-1.amazonaws.com/agentcore:1.0."
  }
  validation {
    condition     = can(regex("(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9._-]*)$", var.image)) && !endswith(var.image, ":latest")
    error_message = "image: name it with a tag or digest, and not :latest, which says nothing about what runs."
  }
}

variable "agents" {
  description = "AGENTCORE_AGENTS: the module that registers your agents."
  type        = string
  default     = "agentcore.agents"
}

variable "model" {
  description = "AGENTCORE_MODEL: for agents that name none. Empty: the product's default."
  type        = string
  default     = ""
}

variable "database" {
  description = "managed: RDS for PostgreSQL, with private addresses only. external: yours, at database_url."
  type        = string
  default     = "managed"

  validation {
    condition     = contains(["managed", "external"], var.database)
    error_message = "database: managed or external."
  }
}

variable "database_url" {
  description = "For database = \"external\": postgresql:// or cockroachdb://, with ?sslmode=verify-full. Kept only in Secrets Manager."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.database != "external" || can(regex("^(postgresql|cockroachdb)://[^/]+/.+", var.database_url))
    error_message = "database_url: with database = \"external\", set TF_VAR_database_url to postgresql://USER:PASSWORD@HOST/NAME or cockroachdb://…"
  }
}

variable "database_size" {
  description = "Instance class of the managed database."
  type        = string
  default     = "db.t4g.micro"

  validation {
    condition     = can(regex("^db\\.[a-z0-9-]+\\.[a-z0-9]+$", var.database_size))
    error_message = "database_size: an instance class of RDS, such as db.t4g.micro or db.m7g.large."
  }
}

variable "bus" {
  description = "sqs: SQS calls workers, which scale to zero. store: workers on Fargate look into the database."
  type        = string
  default     = "sqs"

  validation {
    condition     = contains(["sqs", "store"], var.bus)
    error_message = "bus: sqs or store."
  }
  validation {
    condition     = var.bus != "store" || var.compute == "fargate"
    error_message = "bus: store calls nobody, so it needs compute = \"fargate\"."
  }
}

variable "compute" {
  description = "lambda: functions. fargate: the API and the worker are services on ECS; the clock and commands stay functions."
  type        = string
  default     = "lambda"

  validation {
    condition     = contains(["lambda", "fargate"], var.compute)
    error_message = "compute: lambda or fargate."
  }
}

variable "auth" {
  description = "AGENTCORE_AUTH: keys, oidc, or both with a comma."
  type        = string
  default     = "keys"

  validation {
    condition     = contains(["keys", "oidc", "keys,oidc"], var.auth)
    error_message = "auth: keys, oidc or \"keys,oidc\". The API is on the internet, so none is not taken."
  }
}

variable "oidc_issuer" {
  description = "AGENTCORE_OIDC_ISSUER, where auth names oidc."
  type        = string
  default     = ""

  validation {
    condition     = !strcontains(var.auth, "oidc") || startswith(var.oidc_issuer, "https://")
    error_message = "oidc_issuer: auth names oidc, so set the provider's https:// URL."
  }
}

variable "oidc_audience" {
  description = "AGENTCORE_OIDC_AUDIENCE, where auth names oidc."
  type        = string
  default     = ""

  validation {
    condition     = !strcontains(var.auth, "oidc") || var.oidc_audience != ""
    error_message = "oidc_audience: auth names oidc, so set what its tokens must be meant for."
  }
}

variable "secret_names" {
  description = "Environment variables that are secret, such as OPENAI_API_KEY. Their values are in secrets."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.secret_names : can(regex("^[A-Z][A-Z0-9_]*$", one))])
    error_message = "secret_names: names of environment variables, in capitals."
  }
  validation {
    condition     = length(setintersection(var.secret_names, ["AGENTCORE_DATABASE_URL", "PGPASSWORD"])) == 0
    error_message = "secret_names: AGENTCORE_DATABASE_URL and PGPASSWORD follow from database and database_url."
  }
}

variable "secrets" {
  description = "The value of each of secret_names. Needed at each apply, kept only in Secrets Manager."
  type        = map(string)
  default     = {}
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = alltrue([for one in var.secret_names : lookup(var.secrets, one, "") != ""]) && length(var.secrets) == length(var.secret_names)
    error_message = "secrets: give each of secret_names a value, and nothing else, as in TF_VAR_secrets='{\"OPENAI_API_KEY\":\"…\"}'."
  }
}

variable "secrets_version" {
  description = "Raise it to write all secrets again, and the managed database's password with them."
  type        = number
  default     = 1

  validation {
    condition     = var.secrets_version >= 1 && floor(var.secrets_version) == var.secrets_version
    error_message = "secrets_version: a whole number from 1."
  }
}

variable "settings" {
  description = "Further settings of docs/settings.md, by their variable."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for one in keys(var.settings) : can(regex("^(AGENTCORE_[A-Z0-9_]+|OPENAI_BASE_URL)$", one))])
    error_message = "settings: the names of docs/settings.md, such as AGENTCORE_LOG_LEVEL."
  }
  validation {
    condition     = alltrue([for one in keys(var.settings) : !can(regex("(PASSWORD|TOKEN|SECRETS|API_KEY)$", one))])
    error_message = "settings: passwords, tokens and keys belong into secrets and secret_names."
  }
  validation {
    condition = length(setintersection(keys(var.settings), [
      "AGENTCORE_AGENTS", "AGENTCORE_AUTH", "AGENTCORE_AWS_SECRET", "AGENTCORE_BUS_ATTEMPTS", "AGENTCORE_BUS_URL",
      "AGENTCORE_CONCURRENCY", "AGENTCORE_DATABASE_GRANT", "AGENTCORE_DATABASE_IDENTITY", "AGENTCORE_DATABASE_URL",
      "AGENTCORE_DEADLINE_MARGIN", "AGENTCORE_HOST", "AGENTCORE_HOST_SECONDS", "AGENTCORE_MODEL",
      "AGENTCORE_OIDC_AUDIENCE", "AGENTCORE_OIDC_ISSUER", "AGENTCORE_POOL_SIZE", "AGENTCORE_PORT",
      "AGENTCORE_SLICE_SECONDS",
    ])) == 0
    error_message = "settings: agents, model, auth, oidc_*, database*, bus and slice_seconds are variables of their own; the others of these follow from them."
  }
}

variable "wakeup_schedule" {
  description = "When timer_wakeup runs: five fields of cron. A sleep ends with the first tick after its time."
  type        = string
  default     = "* * * * *"

  validation {
    condition     = can(regex("^\\*(/([1-9]|[1-5][0-9]))? \\* \\* \\* \\*$", var.wakeup_schedule))
    error_message = "wakeup_schedule: every N minutes, as in \"* * * * *\" or \"*/5 * * * *\"."
  }
}

variable "min_replicas" {
  description = "Copies of http_chat that are always ready: on Lambda provisioned concurrency, on Fargate tasks, at least one."
  type        = number
  default     = 0

  validation {
    condition     = var.min_replicas >= 0 && var.min_replicas <= var.max_replicas && floor(var.min_replicas) == var.min_replicas
    error_message = "min_replicas: a whole number from 0 to max_replicas."
  }
}

variable "max_replicas" {
  description = "Most copies of http_chat. On Lambda each answers one request at a time, so this is how many may be open at once."
  type        = number
  default     = 10

  validation {
    condition     = var.max_replicas >= 1 && var.max_replicas <= 900 && floor(var.max_replicas) == var.max_replicas
    error_message = "max_replicas: a whole number from 1 to 900: of an account's 1,000 in Lambda, 100 must stay unreserved."
  }
}

variable "max_workers" {
  description = "Most copies of queue_worker; each moves ten runs forward at once."
  type        = number
  default     = 10

  validation {
    condition     = var.max_workers >= 2 && var.max_workers <= 1000 && floor(var.max_workers) == var.max_workers
    error_message = "max_workers: a whole number from 2 to 1000, which is what SQS may call at once."
  }
}

variable "slice_seconds" {
  description = "Longest slice of a run, and so of a single step. Time-outs of functions and of the queue follow from it."
  type        = number
  default     = 300

  validation {
    condition     = var.slice_seconds >= 30 && var.slice_seconds <= 890 && floor(var.slice_seconds) == var.slice_seconds
    error_message = "slice_seconds: a whole number from 30 to 890. Lambda's limit is 900, and 10 are kept to save and hand over."
  }
}

variable "budget_monthly_usd" {
  description = "Mails at 80 % of this and when it is forecast to be passed, for the whole account. 0: no budget."
  type        = number
  default     = 50

  validation {
    condition     = var.budget_monthly_usd >= 0
    error_message = "budget_monthly_usd: not negative; 0 for no budget."
  }
}

variable "alert_emails" {
  description = "Who hears of alarms and of the budget. Each has to confirm a mail from AWS first."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+$", one))])
    error_message = "alert_emails: addresses such as ops@example.com."
  }
}

variable "retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.retention_days)
    error_message = "retention_days: one of those that CloudWatch has, such as 7, 14, 30, 60, 90, 180 or 365."
  }
}

variable "deletion_protection" {
  description = "The managed database cannot be deleted, keeps backups for 30 days instead of 7, and leaves a snapshot; secrets can be restored for 30 days."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = {}
}
