resource "google_billing_budget" "this" {
  count = var.budget == 0 ? 0 : 1

  billing_account = var.billing_account
  display_name    = var.prefix

  budget_filter {
    projects = ["projects/${var.project_number}"]
  }

  amount {
    specified_amount { # without a currency: it can only be the billing account's
      units = tostring(var.budget)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }

  dynamic "all_updates_rule" {                                                                               # beside whoever administers the billing account
    for_each = length(local.channels) == 0 ? [] : [slice(local.channels, 0, min(5, length(local.channels)))] # five at most
    content {
      monitoring_notification_channels = all_updates_rule.value
    }
  }

  lifecycle {
    precondition {
      condition     = try(length(var.billing_account) > 0, false)
      error_message = "budget_monthly_usd: the project shows no billing account to whoever runs this. Set 0, or grant roles/billing.costsManager on it."
    }
  }
}
