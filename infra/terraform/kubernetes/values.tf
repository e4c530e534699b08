# What the two charts are given.

locals {
  bus_urls = {
    store      = "store://"
    rabbitmq   = "amqp://${local.services}-rabbitmq.${var.namespace}.svc/agentcore"
    kafka      = "kafka://${local.services}-kafka-kafka-bootstrap.${var.namespace}.svc:9093/agentcore?security.protocol=SASL_SSL&sasl.mechanism=SCRAM-SHA-512&ssl.ca.location=/etc/agentcore/certificates/ca.crt"
    servicebus = ""
  }
  bus_url      = var.bus_url == "" ? local.bus_urls[var.bus] : var.bus_url
  bus_password = local.broker || contains(var.secret_names, "AGENTCORE_BUS_PASSWORD")
  bus_sign_in  = local.bus_password ? "password" : var.bus == "servicebus" ? "identity" : "none"
  kafka_ca     = "${local.services}-kafka-cluster-ca-cert"

  # What the operators write: the variables that come from there.
  operator_secrets = merge(
    local.postgres ? { AGENTCORE_DATABASE_URL = { name = "${local.services}-postgres-app", key = "uri" } } : {},
    local.broker && var.bus == "rabbitmq" ? {
      AGENTCORE_BUS_USERNAME = { name = "${local.services}-rabbitmq-user-credentials", key = "username" }
      AGENTCORE_BUS_PASSWORD = { name = "${local.services}-rabbitmq-user-credentials", key = "password" }
    } : {},
    local.broker && var.bus == "kafka" ? {
      AGENTCORE_BUS_USERNAME = { name = "${local.services}-kafka-name", key = "username" }
      AGENTCORE_BUS_PASSWORD = { name = "${local.services}-kafka-user", key = "password" }
    } : {},
  )

  settings = { for name, value in merge(var.settings, {
    AGENTCORE_AGENTS        = var.agents
    AGENTCORE_AUTH          = var.auth
    AGENTCORE_MODEL         = var.model
    AGENTCORE_OIDC_AUDIENCE = var.oidc_audience
    AGENTCORE_OIDC_ISSUER   = var.oidc_issuer
    AGENTCORE_POOL_SIZE     = tostring(var.pool_size)
  }) : name => value if value != "" }

  # Where a service is in this namespace, nothing goes out but to it.
  egress = merge(
    local.postgres ? { database = { ports = [5432], to = [{ podSelector = { matchLabels = { "cnpg.io/cluster" = "${local.services}-postgres" } } }] } } : {},
    local.broker && var.bus == "rabbitmq" ? { bus = { ports = [5672], to = [{ podSelector = { matchLabels = { "app.kubernetes.io/name" = "${local.services}-rabbitmq" } } }] } } : {},
    local.broker && var.bus == "kafka" ? { bus = { ports = [9093], to = [{ podSelector = { matchLabels = { "strimzi.io/cluster" = "${local.services}-kafka" } } }] } } : {},
  )

  values = {
    image          = var.image
    settings       = local.settings
    existingSecret = kubernetes_secret_v1.environment.metadata[0].name
    secrets        = local.operator_secrets
    certificates   = local.broker && var.bus == "kafka" ? local.kafka_ca : ""
    bus            = { url = local.bus_url, signIn = local.bus_sign_in }
    sliceSeconds   = var.slice_seconds
    api            = { minReplicas = var.min_replicas, maxReplicas = var.max_replicas }
    worker = {
      kind       = var.worker
      replicas   = max(1, var.min_workers)
      minJobs    = var.min_workers
      maxJobs    = var.max_workers
      jobSeconds = 3 * var.slice_seconds
      keda       = { parameters = local.broker && var.bus == "kafka" ? [{ parameter = "ca", name = local.kafka_ca, key = "ca.crt" }] : [] }
    }
    timer          = { schedule = var.wakeup_schedule }
    podLabels      = var.tags
    podAnnotations = { "agentcore/secrets-version" = tostring(var.secrets_version) }
    networkPolicy  = { egress = local.egress }
    ingress = {
      host        = var.host
      className   = var.ingress.class_name
      tlsSecret   = var.ingress.tls_secret
      annotations = var.ingress.annotations
    }
  }

  services_values = {
    keep = var.deletion_protection
    postgres = {
      enabled   = local.postgres
      instances = local.replicas
      storage   = var.database_size
      # Each pod has its pool and two that listen; an upgrade has a quarter more pods of the API, and some are jobs.
      maxConnections = 50 + (var.pool_size + 2) * (ceil(1.25 * var.max_replicas) + 2 * var.max_workers)
    }
    rabbitmq = { enabled = local.broker && var.bus == "rabbitmq", replicas = local.replicas }
    kafka    = { enabled = local.broker && var.bus == "kafka", replicas = local.replicas, partitions = max(10, var.max_workers) }
  }
}
