locals {
  prefix     = "${var.name}-${var.environment}"
  release    = strcontains(local.prefix, "agentcore") ? local.prefix : "${local.prefix}-agentcore" # as the chart's names go
  services   = "${local.prefix}-services"
  namespace  = var.create_namespace ? one(kubernetes_namespace_v1.this[*].metadata[0].name) : var.namespace
  postgres   = var.database == "managed"
  broker     = contains(["rabbitmq", "kafka"], var.bus) && var.bus_url == ""
  in_cluster = local.postgres || local.broker
  replicas   = var.high_availability ? 3 : 1
}

resource "kubernetes_namespace_v1" "this" {
  count = var.create_namespace ? 1 : 0

  metadata {
    name = var.namespace
    labels = merge(var.tags, {
      # The operators' pods are theirs to harden: restricted holds where there are only ours.
      "pod-security.kubernetes.io/enforce" = local.in_cluster ? "baseline" : "restricted"
      "pod-security.kubernetes.io/warn"    = "restricted"
    })
  }
}

# Write-only: the values are in no plan and in no state.
resource "kubernetes_secret_v1" "environment" {
  metadata {
    name      = "${local.prefix}-environment"
    namespace = local.namespace
  }

  data_wo_revision = var.secrets_version
  data_wo = merge(
    { for one in var.secret_names : one => var.secrets[one] },
    local.postgres ? {} : { AGENTCORE_DATABASE_URL = var.database_url },
  )
}

# A release of its own: it has to be there before the migration, and nothing done to agentcore touches data.
resource "helm_release" "services" {
  count = local.in_cluster ? 1 : 0

  name        = local.services
  namespace   = local.namespace
  chart       = "${path.module}/../../kubernetes/services"
  values      = compact([yamlencode(local.services_values), var.services_values])
  max_history = 10
  timeout     = 900
}

resource "helm_release" "agentcore" {
  name            = local.prefix
  namespace       = local.namespace
  chart           = "${path.module}/../../kubernetes/agentcore"
  values          = compact([yamlencode(local.values), var.values])
  atomic          = true # a failed migration, preflight or start brings the last release back
  cleanup_on_fail = true
  max_history     = 10
  timeout         = 1200 # the migration's 900, and the start of the pods

  depends_on = [kubernetes_secret_v1.environment, helm_release.services]
}
