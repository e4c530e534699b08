# Alerts, logs and the budget.

mock_provider "google" {}

variables {
  prefix               = "agentcore-dev"
  project_id           = "acme"
  project_number       = "4711"
  region               = "europe-west1"
  emails               = ["ops@example.com"]
  slice_seconds        = 540
  database_connections = 200
  retention_days       = 45
  billing_account      = "0000-1111"
  budget               = 50
  labels               = {}
}

run "all" {
  command = apply

  module {
    source = "./modules/observability"
  }

  variables {
    subscription      = "agentcore-dev-runs"
    dead_subscription = "agentcore-dev-runs-dead"
    database          = "acme:agentcore-dev-1a2b3c"
  }

  assert {
    condition     = toset(output.alerts) == toset(["backlog", "clock", "connections", "dead", "errors"])
    error_message = "what can go wrong has its alert"
  }
  assert {
    condition     = google_monitoring_alert_policy.this["dead"].conditions[0].condition_threshold[0].threshold_value == 0 && strcontains(google_monitoring_alert_policy.this["dead"].conditions[0].condition_threshold[0].filter, "\"agentcore-dev-runs-dead\"")
    error_message = "one dead letter is enough"
  }
  assert {
    condition     = google_monitoring_alert_policy.this["backlog"].conditions[0].condition_threshold[0].threshold_value > 540
    error_message = "a message that is held while its slice runs is no backlog"
  }
  assert {
    condition     = google_monitoring_alert_policy.this["clock"].conditions[0].condition_threshold[0].denominator_filter != null && google_monitoring_alert_policy.this["clock"].conditions[0].condition_threshold[0].threshold_value < 1
    error_message = "failing ticks are a share of all, so that it alerts at every schedule"
  }
  assert {
    condition     = alltrue([for one in google_monitoring_alert_policy.this : length(one.notification_channels) == 1])
    error_message = "somebody hears of each"
  }
  assert {
    condition     = google_logging_project_bucket_config.this.retention_days == 45 && google_logging_project_exclusion.this.filter == google_logging_project_sink.this.filter
    error_message = "logs are kept as long as they should be, and once"
  }
  assert {
    condition     = google_billing_budget.this[0].amount[0].specified_amount[0].units == "50"
    error_message = "there is a budget"
  }
}

run "without_pubsub_and_cloud_sql" {
  command = apply

  module {
    source = "./modules/observability"
  }

  variables {
    budget = 0
  }

  assert {
    condition     = toset(output.alerts) == toset(["clock", "errors"]) && length(google_billing_budget.this) == 0
    error_message = "nothing watches what is not there"
  }
}

run "a_budget_needs_a_billing_account" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    billing_account = ""
  }

  expect_failures = [google_billing_budget.this]
}
