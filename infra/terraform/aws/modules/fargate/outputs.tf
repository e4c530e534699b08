output "load_balancer" {
  description = "Name to lead the domain to."
  value       = aws_lb.this.dns_name
}

output "load_balancer_suffix" {
  description = "What metrics call it."
  value       = aws_lb.this.arn_suffix
}

output "policies" {
  description = "What each role may do."
  value       = { for role, task in module.task : role => task.policy }
}
