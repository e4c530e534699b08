resource "aws_appautoscaling_target" "this" {
  for_each = {
    api    = { service = aws_ecs_service.api.name, least = local.api_least, most = max(local.api_least, var.max_replicas) }
    worker = { service = aws_ecs_service.worker.name, least = 1, most = var.max_workers }
  }
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${each.value.service}"
  min_capacity       = each.value.least
  max_capacity       = each.value.most
  tags               = var.tags
}

# Where no queue says how much there is to do, processor time does, which agents that wait for models use little of.
resource "aws_appautoscaling_policy" "processor" {
  for_each           = toset(var.queue_name == null ? ["api", "worker"] : ["api"])
  name               = "processor"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[each.key].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[each.key].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[each.key].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = 50
    scale_in_cooldown  = 300
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

# A worker takes a message off the queue as soon as it has room for the run, so what is there has no worker.
locals {
  steps = var.queue_name == null ? {} : {
    more = { change = 1, comparison = "GreaterThanThreshold", minutes = 1, cooldown = 60 }
    less = { change = -1, comparison = "LessThanOrEqualToThreshold", minutes = 15, cooldown = 300 }
  }
}

resource "aws_appautoscaling_policy" "queue" {
  for_each           = local.steps
  name               = "queue-${each.key}"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.this["worker"].service_namespace
  scalable_dimension = aws_appautoscaling_target.this["worker"].scalable_dimension
  resource_id        = aws_appautoscaling_target.this["worker"].resource_id

  step_scaling_policy_configuration {
    adjustment_type         = "ChangeInCapacity"
    cooldown                = each.value.cooldown
    metric_aggregation_type = "Maximum"

    step_adjustment {
      scaling_adjustment          = each.value.change
      metric_interval_lower_bound = each.value.change > 0 ? "0" : null
      metric_interval_upper_bound = each.value.change > 0 ? null : "0"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "queue" {
  for_each            = local.steps
  alarm_name          = "${var.name}-workers-${each.key}"
  alarm_description   = "Scales queue_worker; nobody is told."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = var.queue_name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = each.value.minutes
  threshold           = 0
  comparison_operator = each.value.comparison
  alarm_actions       = [aws_appautoscaling_policy.queue[each.key].arn]
  tags                = var.tags
}
