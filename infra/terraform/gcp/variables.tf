# The project is the provider's: provider "google" { project = … }, or GOOGLE_PROJECT.

variable "name" {
  description = "What this deployment is called."
  type        = string
  default     = "agentcore"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name: 3 to 20 lower-case letters, digits and single hyphens, beginning with a letter."
  }
}

variable "environment" {
  description = "Which of its environments this is; resources are called NAME-ENVIRONMENT-…"
  type        = string
  default     = "dev"

  validation {
    condition     = can(regex("^[a-z0-9]{2,10}$", var.environment))
    error_message = "environment: 2 to 10 lower-case letters and digits."
  }
}

variable "region" {
  description = "Google's region that everything is in."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region: a region, such as europe-west1; not a zone."
  }
}

variable "image" {
  description = "Container image, with a tag or digest. Cloud Run pulls from Artifact Registry."
  type        = string

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
  description = "managed: Cloud SQL for PostgreSQL, with a private address only. external: yours, at database_url."
  type        = string
  default     = "managed"

  validation {
    condition     = contains(["managed", "external"], var.database)
    error_message = "database: managed or external."
  }
}

variable "database_url" {
  description = "For database = \"external\": postgresql:// or cockroachdb://, with ?sslmode=verify-full. Needed at each apply, kept only in Secret Manager."
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
  description = "Cloud SQL's machine type, of the edition Enterprise."
  type        = string
  default     = "db-custom-1-3840"

  validation {
    condition     = can(regex("^db-(f1-micro|g1-small|custom-[0-9]+-[0-9]+)$", var.database_size))
    error_message = "database_size: db-f1-micro, db-g1-small or db-custom-VCPUS-MEGABYTES; the edition Enterprise has no other for PostgreSQL."
  }
}

variable "database_connections" {
  description = "max_connections of the managed database. Every replica and worker may hold five."
  type        = number
  default     = 200

  validation {
    condition     = var.database != "managed" || var.database_connections >= 10 + 5 * (var.max_replicas + var.max_workers + 3)
    error_message = "database_connections: must be at least 10 + 5 × (max_replicas + max_workers + 3). Raise it, or lower those."
  }
}

variable "high_availability" {
  description = "The managed database has a standby in another zone; this doubles its price."
  type        = bool
  default     = false
}

variable "bus" {
  description = "pubsub: Pub/Sub pushes to workers that scale to zero. store: a worker pool polls the database, always on."
  type        = string
  default     = "pubsub"

  validation {
    condition     = contains(["pubsub", "store"], var.bus)
    error_message = "bus: pubsub or store."
  }
}

variable "compute" {
  description = "What runs the containers. All clouds have this variable; here there is one choice."
  type        = string
  default     = "cloud_run"

  validation {
    condition     = var.compute == "cloud_run"
    error_message = "compute: cloud_run. For GKE take ../kubernetes."
  }
}

variable "auth" {
  description = "AGENTCORE_AUTH: keys, oidc, both with a comma, or none."
  type        = string
  default     = "keys"

  validation {
    condition     = contains(["keys", "oidc", "keys,oidc", "none"], var.auth)
    error_message = "auth: keys, oidc, \"keys,oidc\" or none."
  }
  validation {
    condition     = var.auth != "none" || !var.allow_public
    error_message = "auth: none lets everybody in, so it needs allow_public = false: then Cloud Run asks who calls."
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

variable "allow_public" {
  description = "Anybody on the internet may send requests to http_chat, which asks for a key or token itself. false: Google asks first, and lets in only invokers."
  type        = bool
  default     = true
}

variable "invokers" {
  description = "Who may call http_chat where allow_public is false: user:…, group:…, serviceAccount:…"
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.invokers : can(regex("^(user|group|serviceAccount|domain|principal|principalSet):.+", one))])
    error_message = "invokers: each is user:…, group:…, serviceAccount:…, domain:…, principal:… or principalSet:…; allow_public is what lets in everybody."
  }
}

variable "secret_names" {
  description = "Environment variables that are secret, such as OPENAI_API_KEY. Their values are in secrets."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.secret_names : can(regex("^[A-Z][A-Z0-9_]*$", one)) && one != "AGENTCORE_DATABASE_URL"])
    error_message = "secret_names: names of environment variables, in capitals. AGENTCORE_DATABASE_URL is set from database and database_url."
  }
}

variable "secrets" {
  description = "The value of each of secret_names. Needed at each apply, kept only in Secret Manager."
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
  description = "Raise it to write all secrets again, the database's new password among them."
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
      "AGENTCORE_AGENTS", "AGENTCORE_ALLOW_UNAUTHENTICATED", "AGENTCORE_AUTH", "AGENTCORE_BUS_URL", "AGENTCORE_CONCURRENCY",
      "AGENTCORE_DATABASE_URL", "AGENTCORE_HOST", "AGENTCORE_HOST_SECONDS", "AGENTCORE_MODEL", "AGENTCORE_OIDC_AUDIENCE",
      "AGENTCORE_OIDC_ISSUER", "AGENTCORE_POOL_SIZE", "AGENTCORE_PORT", "AGENTCORE_PUSH_AUDIENCE",
      "AGENTCORE_PUSH_SENDERS", "AGENTCORE_SLICE_SECONDS",
    ])) == 0
    error_message = "settings: agents, model, auth, oidc_*, database*, bus and slice_seconds are variables of their own; host, port, concurrency, pool size and push follow from them."
  }
}

variable "wakeup_schedule" {
  description = "When timer_wakeup runs: five fields of cron, in UTC. A sleep ends with the first tick after its time."
  type        = string
  default     = "* * * * *"

  validation {
    condition     = can(regex("^\\S+( \\S+){4}$", var.wakeup_schedule))
    error_message = "wakeup_schedule: five fields, such as \"* * * * *\" or \"*/5 * * * *\"."
  }
}

variable "min_replicas" {
  description = "Instances of http_chat that are always ready. 0: none, and the first request waits for a cold start."
  type        = number
  default     = 0

  validation {
    condition     = var.min_replicas >= 0 && var.min_replicas <= var.max_replicas
    error_message = "min_replicas: 0 to max_replicas."
  }
}

variable "max_replicas" {
  description = "Most instances of http_chat."
  type        = number
  default     = 10

  validation {
    condition     = var.max_replicas >= 1 && var.max_replicas <= 100
    error_message = "max_replicas: 1 to 100, which is what the subnet has addresses for."
  }
}

variable "min_workers" {
  description = "Instances of queue_worker that are always ready. With bus = \"store\" this is how many there are, at least one."
  type        = number
  default     = 0

  validation {
    condition     = var.min_workers >= 0 && var.min_workers <= var.max_workers
    error_message = "min_workers: 0 to max_workers."
  }
}

variable "max_workers" {
  description = "Most instances of queue_worker; each executes ten runs at once."
  type        = number
  default     = 10

  validation {
    condition     = var.max_workers >= 1 && var.max_workers <= 100
    error_message = "max_workers: 1 to 100, which is what the subnet has addresses for."
  }
}

variable "memory" {
  description = "Memory of an instance of http_chat and of queue_worker, beside one vCPU."
  type        = string
  default     = "1Gi"

  validation {
    condition     = contains(["512Mi", "1Gi", "2Gi", "4Gi"], var.memory)
    error_message = "memory: 512Mi, 1Gi, 2Gi or 4Gi, which is what one vCPU may have."
  }
}

variable "slice_seconds" {
  description = "Longest slice of a run, and so of a single step. Pub/Sub waits for 600 s at most; a worker pool has no limit."
  type        = number
  default     = 540

  validation {
    condition     = var.slice_seconds >= 30 && var.slice_seconds <= (var.bus == "store" ? 3600 : 560)
    error_message = "slice_seconds: 30 to 560, or 3600 with bus = \"store\". The request may take 30 s longer, for a cold start, and Pub/Sub repeats it after 600 s."
  }
}

variable "budget_monthly_usd" {
  description = "Mails at 50, 90 and 100 % of this, for the whole project, in the currency of the billing account. 0: no budget."
  type        = number
  default     = 50

  validation {
    condition     = var.budget_monthly_usd >= 0 && floor(var.budget_monthly_usd) == var.budget_monthly_usd
    error_message = "budget_monthly_usd: a whole number; 0 for no budget."
  }
}

variable "alert_emails" {
  description = "Who hears of alerts and of the budget."
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
    condition     = var.retention_days >= 1 && var.retention_days <= 3650
    error_message = "retention_days: 1 to 3650."
  }
}

variable "deletion_protection" {
  description = "The managed database cannot be deleted, neither from here nor elsewhere."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Labels of all that can have some."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key, value in var.tags : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "tags: Google's labels have lower-case letters, digits, hyphens and underscores only, 63 at most."
  }
}
