output "arn" {
  value = aws_ecs_task_definition.this.arn
}

output "policy" {
  description = "What the product may do."
  value       = aws_iam_role_policy.task.policy
}

output "log_group" {
  value = aws_cloudwatch_log_group.this.name
}
