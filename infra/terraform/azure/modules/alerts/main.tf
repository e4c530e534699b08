# What somebody should be told.

variable "name" { type = string }
variable "resource_group" { type = object({ name = string, id = string }) }
variable "location" { type = string }
variable "tags" { type = map(string) }
variable "emails" { type = list(string) }

variable "metrics" {
  type = map(object({
    description = string
    scope       = string
    namespace   = string
    metric      = string
    aggregation = string
    above       = number
    dimensions  = optional(map(list(string)), {})
    severity    = optional(number, 2)
    window      = optional(string, "PT5M")
  }))
  description = "Tell when a metric is above a number."
}

variable "budget" {
  type        = number
  description = "Of a month; 0: none."
}

variable "answering" {
  type        = object({ url = string, insights_id = string })
  default     = null
  description = "Ask this URL from outside every five minutes. It keeps an app awake that would scale to zero."
}

resource "azurerm_monitor_action_group" "this" {
  count               = length(var.emails) > 0 ? 1 : 0
  name                = var.name
  resource_group_name = var.resource_group.name
  short_name          = substr(replace(var.name, "-", ""), 0, 12)
  tags                = var.tags
  dynamic "email_receiver" {
    for_each = var.emails
    content {
      name                    = email_receiver.value
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

resource "azurerm_monitor_metric_alert" "metrics" {
  for_each            = var.metrics
  name                = "${var.name}-${each.key}"
  description         = each.value.description
  resource_group_name = var.resource_group.name
  scopes              = [each.value.scope]
  severity            = each.value.severity
  frequency           = "PT1M"
  window_size         = each.value.window
  tags                = var.tags
  criteria {
    metric_namespace       = each.value.namespace
    metric_name            = each.value.metric
    aggregation            = each.value.aggregation
    operator               = "GreaterThan"
    threshold              = each.value.above
    skip_metric_validation = true # most metrics begin to exist with the first event
    dynamic "dimension" {
      for_each = each.value.dimensions
      content {
        name     = dimension.key
        operator = "Include"
        values   = dimension.value
      }
    }
  }
  dynamic "action" {
    for_each = azurerm_monitor_action_group.this[*].id
    content {
      action_group_id = action.value
    }
  }
}

resource "azurerm_application_insights_standard_web_test" "answering" {
  count                   = var.answering == null ? 0 : 1
  name                    = "${var.name}-answering"
  resource_group_name     = var.resource_group.name
  location                = var.location
  application_insights_id = var.answering.insights_id
  geo_locations           = ["emea-nl-ams-azr", "us-va-ash-azr", "apac-sg-sin-azr"]
  frequency               = 300
  timeout                 = 30
  enabled                 = true
  retry_enabled           = true
  tags                    = var.tags
  request {
    url = "${var.answering.url}/healthz"
  }
}

resource "azurerm_monitor_metric_alert" "answering" {
  count               = var.answering == null ? 0 : 1
  name                = "${var.name}-answering"
  description         = "The API does not answer from two of three places."
  resource_group_name = var.resource_group.name
  scopes              = [azurerm_application_insights_standard_web_test.answering[0].id, var.answering.insights_id]
  severity            = 1
  frequency           = "PT1M"
  window_size         = "PT15M"
  tags                = var.tags
  application_insights_web_test_location_availability_criteria {
    web_test_id           = azurerm_application_insights_standard_web_test.answering[0].id
    component_id          = var.answering.insights_id
    failed_location_count = 2
  }
  dynamic "action" {
    for_each = azurerm_monitor_action_group.this[*].id
    content {
      action_group_id = action.value
    }
  }
}

resource "azurerm_consumption_budget_resource_group" "this" {
  count             = var.budget > 0 ? 1 : 0
  name              = var.name
  resource_group_id = var.resource_group.id
  amount            = var.budget
  time_grain        = "Monthly"
  time_period {
    start_date = formatdate("YYYY-MM-01'T'00:00:00Z", plantimestamp())
  }
  dynamic "notification" {
    for_each = { Actual = 80, Forecasted = 100 }
    content {
      threshold_type = notification.key
      threshold      = notification.value
      operator       = "GreaterThanOrEqualTo"
      contact_emails = var.emails
      contact_roles  = length(var.emails) > 0 ? [] : ["Owner"]
    }
  }
  lifecycle {
    ignore_changes = [time_period] # it began in the month of the first apply
  }
}

output "names" { value = sort([for alert in azurerm_monitor_metric_alert.metrics : alert.name]) }
