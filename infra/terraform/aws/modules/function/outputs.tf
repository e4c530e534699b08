output "name" {
  value = aws_lambda_function.this.function_name
}

output "arn" {
  value = aws_lambda_function.this.arn
}

output "alias" {
  description = "Name of the alias, once its version is there."
  value       = one(aws_lambda_alias.live[*].name)
}

output "policy" {
  description = "What the role may do."
  value       = aws_iam_role_policy.this.policy
}

output "environment" {
  value = var.environment
}

output "seconds" {
  value = var.seconds
}

output "log_group" {
  value = aws_cloudwatch_log_group.this.name
}
