# Alerts: what says that something is wrong which does not mend itself.

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.emails)

  display_name = "${var.prefix} ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }
  user_labels  = var.labels
}

locals {
  channels = [for one in google_monitoring_notification_channel.email : one.id]
  service  = "resource.type = \"cloud_run_revision\" AND metric.type = \"run.googleapis.com/request_count\""
  queue    = "resource.type = \"pubsub_subscription\" AND metric.type = \"pubsub.googleapis.com/subscription"

  alerts = merge({
    errors = {
      filter  = "${local.service} AND resource.labels.service_name = \"${var.prefix}-api\" AND metric.labels.response_code_class = \"5xx\""
      of      = null
      align   = "ALIGN_DELTA"
      period  = 300
      over    = 5
      meaning = "http_chat answered more than five requests of five minutes with 5xx. Its log says why."
    }
    clock = { # however often it ticks
      filter  = "${local.service} AND resource.labels.service_name = \"${var.prefix}-timer\" AND metric.labels.response_code_class != \"2xx\""
      of      = "${local.service} AND resource.labels.service_name = \"${var.prefix}-timer\""
      align   = "ALIGN_DELTA"
      period  = 1800
      over    = 0.5
      meaning = "Most ticks fail: nothing wakes, and no lost message is sent again. See the logs of timer_wakeup and of the scheduler's job."
    }
    }, var.subscription == null ? {} : {
    dead = {
      filter  = "${local.queue}/num_undelivered_messages\" AND resource.labels.subscription_id = \"${coalesce(var.dead_subscription, "-")}\""
      of      = null
      align   = "ALIGN_MAX"
      period  = 60
      over    = 0
      meaning = "There are dead letters. The attribute reason says why; events are kept nowhere else."
    }
    backlog = {
      filter  = "${local.queue}/oldest_unacked_message_age\" AND resource.labels.subscription_id = \"${coalesce(var.subscription, "-")}\""
      of      = null
      align   = "ALIGN_MAX"
      period  = 300
      over    = var.slice_seconds + 300 # a message is held while its slice runs
      meaning = "Messages wait longer than a slice takes: too few workers (max_workers), or they fail."
    }
    }, var.database == null ? {} : {
    connections = {
      filter  = "resource.type = \"cloudsql_database\" AND metric.type = \"cloudsql.googleapis.com/database/postgresql/num_backends\" AND resource.labels.database_id = \"${coalesce(var.database, "-")}\""
      of      = null
      align   = "ALIGN_MAX"
      period  = 300
      over    = floor(0.85 * var.database_connections)
      meaning = "The database has hardly any connections left: raise database_connections, or lower max_replicas and max_workers."
    }
  })
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.alerts

  display_name          = "${var.prefix} ${each.key}"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = each.key
    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.over
      duration        = "0s"

      aggregations {
        alignment_period     = "${each.value.period}s"
        per_series_aligner   = each.value.align
        cross_series_reducer = "REDUCE_SUM"
      }

      denominator_filter = each.value.of
      dynamic "denominator_aggregations" {
        for_each = each.value.of[*]
        content {
          alignment_period     = "${each.value.period}s"
          per_series_aligner   = each.value.align
          cross_series_reducer = "REDUCE_SUM"
        }
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    content   = each.value.meaning
    mime_type = "text/markdown"
  }
}
