output "topic_arn" {
  description = "Where alarms go."
  value       = aws_sns_topic.alarms.arn
}

output "alarms" {
  description = "What is watched."
  value       = sort(concat(keys(aws_cloudwatch_metric_alarm.above), ["clock"]))
}
