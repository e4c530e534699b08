# What every cloud has, under the same names. What only Azure has is in variables-azure.tf.

variable "name" {
  type        = string
  default     = "agentcore"
  description = "What the resources are called: NAME-ENVIRONMENT-…"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name must have 3 to 20 lower-case letters, digits and single hyphens, and begin with a letter."
  }
}

variable "environment" {
  type        = string
  default     = "dev"
  description = "Which of several deployments this is: dev, staging, production."
  validation {
    condition     = can(regex("^[a-z0-9]{2,10}$", var.environment))
    error_message = "environment must have 2 to 10 lower-case letters and digits."
  }
}

variable "region" {
  type        = string
  default     = "westeurope"
  description = "The Azure region, as `az account list-locations -o table` names it."
  validation {
    condition     = can(regex("^[a-z]+[a-z0-9]*$", var.region))
    error_message = "region must be a region's short name, such as westeurope or eastus2."
  }
}

variable "image" {
  type        = string
  description = "The container image. Without a registry's host (agents:1.4.0), or with an Azure registry's, it is in the one made here."
  validation {
    condition     = can(regex("(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$", var.image))
    error_message = "image must end with a tag or a digest, as agents:1.4.0 does."
  }
  validation {
    condition     = !endswith(var.image, ":latest")
    error_message = "image must not be latest: a deployment and its rollback have to name what they run."
  }
}

variable "agents" {
  type        = string
  default     = "agentcore.agents"
  description = "The module that registers your agents (AGENTCORE_AGENTS)."
}

variable "model" {
  type        = string
  default     = ""
  description = "Model for agents that name none (AGENTCORE_MODEL)."
}

variable "database" {
  type        = string
  default     = "managed"
  description = "managed: a PostgreSQL Flexible Server. external: what database_url names."
  validation {
    condition     = contains(["managed", "external"], var.database)
    error_message = "database must be managed or external."
  }
}

variable "database_url" {
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
  description = "With database = external: postgresql://… or cockroachdb://…, with user and password."
  validation {
    condition     = var.database_url == null || can(regex("^((postgresql|cockroachdb)://.+)?$", var.database_url))
    error_message = "database_url must begin with postgresql:// or cockroachdb://."
  }
}

variable "database_size" {
  type        = string
  default     = "B_Standard_B2s"
  description = "SKU of the managed server: its tier and its size, as B_Standard_B1ms or GP_Standard_D2ds_v5."
  validation {
    condition     = can(regex("^(B|GP|MO)_Standard_[A-Za-z0-9_]+$", var.database_size))
    error_message = "database_size must be a tier (B, GP or MO) and a size, as in GP_Standard_D2ds_v5."
  }
}

variable "bus" {
  type        = string
  default     = "servicebus"
  description = "How run ids travel: servicebus, eventhubs, or store (the database itself)."
  validation {
    condition     = contains(["servicebus", "eventhubs", "store"], var.bus)
    error_message = "bus must be servicebus, eventhubs or store."
  }
}

variable "compute" {
  type        = string
  default     = "container_apps"
  description = "container_apps: an app and jobs. functions: one Flex Consumption app."
  validation {
    condition     = contains(["container_apps", "functions"], var.compute)
    error_message = "compute must be container_apps or functions."
  }
}

variable "auth" {
  type        = string
  default     = "keys"
  description = "How callers show who they are (AGENTCORE_AUTH)."
  validation {
    condition     = contains(["keys", "oidc", "keys,oidc"], var.auth)
    error_message = "auth must be keys, oidc or keys,oidc: the API is on the internet, so none is not taken."
  }
}

variable "oidc_issuer" {
  type        = string
  default     = ""
  description = "With auth = oidc: the issuer, as its discovery document has it (AGENTCORE_OIDC_ISSUER)."
}

variable "oidc_audience" {
  type        = string
  default     = ""
  description = "With auth = oidc: what tokens are meant for (AGENTCORE_OIDC_AUDIENCE)."
}

variable "secrets" {
  type        = map(string)
  default     = {}
  sensitive   = true
  ephemeral   = true
  description = "Environment variables that are secret, by their names, such as OPENAI_API_KEY. They go to Key Vault."
}

variable "secret_names" {
  type        = set(string)
  default     = []
  description = "The names in `secrets`: which there are is no secret."
  validation {
    condition     = alltrue([for name in var.secret_names : can(regex("^[A-Z][A-Z0-9_]*$", name))])
    error_message = "secret_names must be names of environment variables, such as OPENAI_API_KEY."
  }
  validation {
    condition     = length(setintersection(var.secret_names, ["AGENTCORE_DATABASE_URL", "AGENTCORE_BUS_URL"])) == 0
    error_message = "secret_names must not have AGENTCORE_DATABASE_URL (set database_url) nor AGENTCORE_BUS_URL (set bus)."
  }
}

variable "secrets_version" {
  type        = number
  default     = 1
  description = "Raise it to write the secrets again: Terraform does not keep them, so it cannot see that they changed."
}

variable "settings" {
  type        = map(string)
  default     = {}
  description = "Further environment variables, such as AGENTCORE_LOG_LEVEL (docs/settings.md)."
  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^[A-Z][A-Z0-9_]*$", name))])
    error_message = "settings must be named as environment variables are, as in AGENTCORE_LOG_LEVEL."
  }
  validation {
    condition = length(setintersection(keys(var.settings), [
      "AGENTCORE_AGENTS", "AGENTCORE_AUTH", "AGENTCORE_BUS_URL", "AGENTCORE_DATABASE_GRANT",
      "AGENTCORE_DATABASE_IDENTITY", "AGENTCORE_DATABASE_URL", "AGENTCORE_HOST", "AGENTCORE_HOST_SECONDS",
      "AGENTCORE_MODEL", "AGENTCORE_OIDC_AUDIENCE", "AGENTCORE_OIDC_ISSUER", "AGENTCORE_PORT",
      "AGENTCORE_SLICE_SECONDS", "AZURE_CLIENT_ID",
    ])) == 0
    error_message = "settings must not have what this configuration sets itself: there is a variable for it, as slice_seconds for AGENTCORE_SLICE_SECONDS."
  }
  validation {
    condition = length(setintersection(keys(var.settings), [
      "AGENTCORE_API_KEY", "AGENTCORE_BUS_PASSWORD", "AGENTCORE_REDIS_TOKEN", "AGENTCORE_TICK_SECRETS",
      "AGENTCORE_WEBHOOK_SECRETS", "OPENAI_API_KEY",
    ])) == 0
    error_message = "settings must not have secrets: put them into secrets and secret_names."
  }
}

variable "wakeup_schedule" {
  type        = string
  default     = "* * * * *"
  description = "When timer_wakeup looks for what is due: a cron expression of five fields, in UTC."
  validation {
    condition     = can(regex("^(\\S+ ){4}\\S+$", var.wakeup_schedule))
    error_message = "wakeup_schedule must have five fields, as in */5 * * * *."
  }
}

variable "min_replicas" {
  type        = number
  default     = 0
  description = "Least instances of http_chat. 0: it costs nothing while nobody calls, and the first caller waits for its start."
  validation {
    condition     = var.min_replicas >= 0 && floor(var.min_replicas) == var.min_replicas
    error_message = "min_replicas must be a whole number, and not negative."
  }
}

variable "max_replicas" {
  type        = number
  default     = 10
  description = "Most instances of http_chat."
  validation {
    condition     = var.max_replicas >= 1 && var.max_replicas <= 300 && floor(var.max_replicas) == var.max_replicas
    error_message = "max_replicas must be a whole number from 1 to 300."
  }
}

variable "max_workers" {
  type        = number
  default     = 10
  description = "Most instances of queue_worker."
  validation {
    condition     = var.max_workers >= 1 && var.max_workers <= 300 && floor(var.max_workers) == var.max_workers
    error_message = "max_workers must be a whole number from 1 to 300."
  }
}

variable "slice_seconds" {
  type        = number
  default     = 600
  description = "Longest slice of a run (AGENTCORE_SLICE_SECONDS). Time limits of jobs follow from it."
  validation {
    condition     = var.slice_seconds >= 60 && var.slice_seconds <= 3600
    error_message = "slice_seconds must be from 60 to 3600."
  }
}

variable "budget_monthly_usd" {
  type        = number
  default     = 50
  description = "Tell when the resource group's costs of a month reach 80 % of it. 0: no budget. Azure counts in the currency that you are billed in."
  validation {
    condition     = var.budget_monthly_usd >= 0
    error_message = "budget_monthly_usd must not be negative; 0 makes no budget."
  }
}

variable "alert_emails" {
  type        = list(string)
  default     = []
  description = "Who is told of alerts. Without any they are only seen in the portal, and the budget tells the owners."
  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "alert_emails must be e-mail addresses."
  }
}

variable "retention_days" {
  type        = number
  default     = 30
  description = "How long logs are kept."
  validation {
    condition     = contains([30, 60, 90, 120, 180, 270, 365, 550, 730], var.retention_days)
    error_message = "retention_days must be one of 30, 60, 90, 120, 180, 270, 365, 550, 730: Application Insights knows no other."
  }
}

variable "deletion_protection" {
  type        = bool
  default     = false
  description = "Lock the database against deletion, keep its backups for 35 days instead of 7, and let nobody purge the vault."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags of all resources."
}
