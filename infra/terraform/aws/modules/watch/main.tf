# Alarms, whom they reach, and a budget.

locals {
  per_function = merge([for role, function in var.functions : {
    "${role}-errors" = {
      about     = "${function} fails."
      namespace = "AWS/Lambda", metric = "Errors", dimensions = { FunctionName = function }
      statistic = "Sum", above = 2, periods = 1, seconds = 300
    }
    "${role}-throttles" = {
      about     = "${function} is called more often than it may run."
      namespace = "AWS/Lambda", metric = "Throttles", dimensions = { FunctionName = function }
      statistic = "Sum", above = 5, periods = 1, seconds = 300
    }
  }]...)

  of_queue = var.queue_name == null ? {} : {
    dead-letters = {
      about     = "There are dead letters: their attribute reason says why. Events among them are kept nowhere else."
      namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = var.dead_queue_name }
      statistic = "Maximum", above = 0, periods = 1, seconds = 60
    }
    oldest-message = {
      about     = "Runs have waited for a worker for five minutes."
      namespace = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", dimensions = { QueueName = var.queue_name }
      statistic = "Maximum", above = 300, periods = 3, seconds = 60
    }
  }

  of_database = var.database_id == null ? {} : {
    database-processor = {
      about     = "The database is busy."
      namespace = "AWS/RDS", metric = "CPUUtilization", dimensions = { DBInstanceIdentifier = var.database_id }
      statistic = "Average", above = 85, periods = 3, seconds = 300
    }
    database-connections = {
      about     = "Most connections of the database are taken."
      namespace = "AWS/RDS", metric = "DatabaseConnections", dimensions = { DBInstanceIdentifier = var.database_id }
      statistic = "Maximum", above = floor(var.database_connections * 0.8), periods = 3, seconds = 60
    }
  }

  of_balancer = var.balancer == null ? {} : {
    api-errors = {
      about     = "http_chat answers with errors of its own."
      namespace = "AWS/ApplicationELB", metric = "HTTPCode_Target_5XX_Count", dimensions = { LoadBalancer = var.balancer.suffix }
      statistic = "Sum", above = 5, periods = 1, seconds = 300
    }
  }
}

resource "aws_sns_topic" "alarms" {
  # Not with the key of AWS for SNS: CloudWatch may not use that, and says nothing. Alarms hold no secrets.
  name = "${var.name}-alarms"
  tags = var.tags
}

resource "aws_sns_topic_subscription" "email" {
  for_each  = toset(var.emails)
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "above" {
  for_each            = merge(local.per_function, local.of_queue, local.of_database, local.of_balancer)
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.about
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.seconds
  evaluation_periods  = each.value.periods
  threshold           = each.value.above
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = var.tags
}

# Sleeps, schedules and lost messages hang on the clock, and nothing else would say that it stands still.
resource "aws_cloudwatch_metric_alarm" "clock" {
  alarm_name          = "${var.name}-clock"
  alarm_description   = "timer_wakeup was not called."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = var.clock }
  statistic           = "Sum"
  period              = 60 * max(5, 3 * var.clock_minutes)
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "storage" {
  count               = var.database_id == null ? 0 : 1
  alarm_name          = "${var.name}-database-storage"
  alarm_description   = "The database has less than 2 GB left."
  namespace           = "AWS/RDS"
  metric_name         = "FreeStorageSpace"
  dimensions          = { DBInstanceIdentifier = var.database_id }
  statistic           = "Minimum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 2000000000
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "missing"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = var.tags
}
