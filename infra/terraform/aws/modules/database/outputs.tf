output "id" {
  value = aws_db_instance.this.identifier
}

output "host" {
  value = aws_db_instance.this.address
}

output "resource_id" {
  description = "What rds-db:connect calls it."
  value       = aws_db_instance.this.resource_id
}
