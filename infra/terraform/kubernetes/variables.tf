# The cluster is the providers': provider blocks as in the examples, or KUBE_CONFIG_PATH and KUBE_CTX.

variable "name" {
  description = "What this deployment is called."
  type        = string
  default     = "agentcore"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name: 3 to 20 lower-case letters, digits and hyphens, beginning with a letter."
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

variable "namespace" {
  description = "The namespace that everything is in."
  type        = string
  default     = "agentcore"

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.namespace)) && !startswith(var.namespace, "kube-") && var.namespace != "default"
    error_message = "namespace: up to 63 lower-case letters, digits and hyphens; one of its own, neither default nor kube-…"
  }
}

variable "create_namespace" {
  description = "Make the namespace here, and delete it with all that is in it when this is destroyed."
  type        = bool
  default     = true

  validation {
    condition     = !(var.create_namespace && var.deletion_protection)
    error_message = "create_namespace: destroying would delete the namespace and the data in it. With deletion_protection make it by hand, kubectl create namespace NAME, and set this to false."
  }
}

variable "image" {
  description = "Container image, with a tag or digest, that the cluster's nodes may pull."
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
  description = "managed: a PostgreSQL of CloudNativePG in this cluster. external: yours, at database_url."
  type        = string
  default     = "managed"

  validation {
    condition     = contains(["managed", "external"], var.database)
    error_message = "database: managed or external."
  }
}

variable "database_url" {
  description = "For database = \"external\": postgresql:// or cockroachdb://, with ?sslmode=verify-full. Needed at each apply, kept only in a Secret."
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
  description = "Storage of each instance of the managed database."
  type        = string
  default     = "20Gi"

  validation {
    condition     = can(regex("^[0-9]+(Gi|Ti)$", var.database_size))
    error_message = "database_size: such as 20Gi or 1Ti."
  }
}

variable "high_availability" {
  description = "Three instances of each service in the cluster instead of one."
  type        = bool
  default     = false
}

variable "bus" {
  description = "store: workers poll the database. rabbitmq, kafka: by their operators in this cluster, or yours at bus_url. servicebus: yours at bus_url."
  type        = string
  default     = "store"

  validation {
    condition     = contains(["store", "rabbitmq", "kafka", "servicebus"], var.bus)
    error_message = "bus: store, rabbitmq, kafka or servicebus."
  }
}

variable "bus_url" {
  description = "AGENTCORE_BUS_URL of a broker of yours, as in docs/buses.md, without a password. Empty: one in this cluster."
  type        = string
  default     = ""

  validation {
    condition     = var.bus_url == "" ? var.bus != "servicebus" : can(regex({ store = "^$", rabbitmq = "^amqps?://", kafka = "^kafka://", servicebus = "^servicebus://" }[var.bus], var.bus_url))
    error_message = "bus_url: amqps://HOST/VHOST/QUEUE for rabbitmq, kafka://HOST:PORT/TOPIC for kafka, servicebus://NAMESPACE/QUEUE for servicebus, and none for store."
  }
  validation {
    condition     = !can(regex("://[^/@]*:[^/@]*@", var.bus_url))
    error_message = "bus_url: without a password. AGENTCORE_BUS_USERNAME and AGENTCORE_BUS_PASSWORD belong into secrets and secret_names."
  }
  validation {
    condition     = var.bus != "rabbitmq" || var.bus_url == "" || length(setsubtract(["AGENTCORE_BUS_USERNAME", "AGENTCORE_BUS_PASSWORD"], var.secret_names)) == 0
    error_message = "bus_url: RabbitMQ asks who comes. Name AGENTCORE_BUS_USERNAME and AGENTCORE_BUS_PASSWORD in secret_names."
  }
}

variable "auth" {
  description = "AGENTCORE_AUTH: keys, oidc, or both with a comma."
  type        = string
  default     = "keys"

  validation {
    condition     = contains(["keys", "oidc", "keys,oidc"], var.auth)
    error_message = "auth: keys, oidc or \"keys,oidc\"."
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
    condition     = alltrue([for one in var.secret_names : can(regex("^[A-Z][A-Z0-9_]*$", one)) && one != "AGENTCORE_DATABASE_URL"])
    error_message = "secret_names: names of environment variables, in capitals. AGENTCORE_DATABASE_URL is set from database and database_url."
  }
}

variable "secrets" {
  description = "The value of each of secret_names. Needed at each apply, kept only in a Secret."
  type        = map(string)
  default     = {}
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = alltrue([for one in var.secret_names : lookup(var.secrets, one, "") != ""])
    error_message = "secrets: give each of secret_names a value, as in TF_VAR_secrets='{\"OPENAI_API_KEY\":\"…\"}'."
  }
}

variable "secrets_version" {
  description = "Raise it to write all secrets again; the pods are replaced, so that they read them."
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
      "AGENTCORE_AGENTS", "AGENTCORE_ALLOW_UNAUTHENTICATED", "AGENTCORE_AUTH", "AGENTCORE_BUS_URL", "AGENTCORE_BUS_USERNAME",
      "AGENTCORE_DATABASE_URL", "AGENTCORE_DEADLINE_MARGIN", "AGENTCORE_METRICS_HOST", "AGENTCORE_METRICS_PORT",
      "AGENTCORE_MODEL", "AGENTCORE_OIDC_AUDIENCE", "AGENTCORE_OIDC_ISSUER", "AGENTCORE_POOL_SIZE", "AGENTCORE_PORT",
      "AGENTCORE_SLICE_SECONDS",
    ])) == 0
    error_message = "settings: agents, model, auth, oidc_*, database*, bus*, pool_size and slice_seconds are variables of their own; port, margin and metrics are the chart's values."
  }
}

variable "pool_size" {
  description = "AGENTCORE_POOL_SIZE: most database connections of one pod, beside two that listen."
  type        = number
  default     = 5

  validation {
    condition     = var.pool_size >= 1 && var.pool_size <= 50
    error_message = "pool_size: 1 to 50."
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
  description = "Pods of http_chat that are always there: at least one, as Kubernetes by itself scales nothing down to zero."
  type        = number
  default     = 1

  validation {
    condition     = var.min_replicas >= 1 && var.min_replicas <= var.max_replicas
    error_message = "min_replicas: 1 to max_replicas."
  }
}

variable "max_replicas" {
  description = "Most pods of http_chat."
  type        = number
  default     = 10

  validation {
    condition     = var.max_replicas >= 1 && var.max_replicas <= 1000
    error_message = "max_replicas: 1 to 1000."
  }
}

variable "worker" {
  description = "deployment: min_workers pods of queue_worker, always. scaledjob: up to max_workers jobs while there is work; needs KEDA in the cluster."
  type        = string
  default     = "deployment"

  validation {
    condition     = contains(["deployment", "scaledjob"], var.worker)
    error_message = "worker: deployment or scaledjob."
  }
}

variable "min_workers" {
  description = "Pods of queue_worker that are always there."
  type        = number
  default     = 1

  validation {
    condition     = var.min_workers >= (var.worker == "deployment" ? 1 : 0) && var.min_workers <= var.max_workers
    error_message = "min_workers: up to max_workers, and at least 1 with worker = \"deployment\"."
  }
}

variable "max_workers" {
  description = "Most jobs of queue_worker; each executes ten runs at once."
  type        = number
  default     = 10

  validation {
    condition     = var.max_workers >= 1 && var.max_workers <= 1000
    error_message = "max_workers: 1 to 1000."
  }
}

variable "slice_seconds" {
  description = "Longest slice of a run, and so of a single step. Jobs take three of them."
  type        = number
  default     = 600

  validation {
    condition     = var.slice_seconds >= 30 && var.slice_seconds <= 86400 && floor(var.slice_seconds) == var.slice_seconds
    error_message = "slice_seconds: 30 to 86400."
  }
}

variable "host" {
  description = "Name that http_chat has on the internet, by an Ingress. Empty: only inside the cluster."
  type        = string
  default     = ""

  validation {
    condition     = var.host == "" || can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.host))
    error_message = "host: such as agents.example.com."
  }
}

variable "ingress" {
  description = "The Ingress of host: its class, the Secret with its certificate, and annotations, such as those of cert-manager."
  type = object({
    class_name  = optional(string, "")
    tls_secret  = optional(string, "")
    annotations = optional(map(string), {})
  })
  default = {}

  validation {
    condition     = var.host == "" || var.ingress.tls_secret != "" || length(var.ingress.annotations) > 0
    error_message = "ingress: with host, name tls_secret, or the annotations by which your controller finds its certificate: API keys must not travel in the clear."
  }
}

variable "values" {
  description = "Further values of the chart agentcore, as YAML; they win."
  type        = string
  default     = ""

  validation {
    condition     = can(keys(yamldecode(var.values == "" ? "{}" : var.values)))
    error_message = "values: a YAML mapping, such as file(\"values.yaml\")."
  }
}

variable "services_values" {
  description = "Further values of the chart agentcore-services, as YAML; they win. Backups of the database belong here."
  type        = string
  default     = ""

  validation {
    condition     = can(keys(yamldecode(var.services_values == "" ? "{}" : var.services_values)))
    error_message = "services_values: a YAML mapping, such as file(\"services.yaml\")."
  }
}

variable "deletion_protection" {
  description = "Database and broker stay, with their data, when this is destroyed."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Labels of the namespace and of all pods."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key, value in var.tags : can(regex("^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$", key)) && can(regex("^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$", value))])
    error_message = "tags: labels of Kubernetes, 63 letters, digits, hyphens, underscores and dots at most."
  }
}
