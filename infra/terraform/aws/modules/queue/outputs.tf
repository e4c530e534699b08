output "name" {
  value = aws_sqs_queue.runs.name
}

output "arn" {
  value = aws_sqs_queue.runs.arn
}

output "dead_name" {
  value = aws_sqs_queue.dead.name
}

output "dead_arn" {
  value = aws_sqs_queue.dead.arn
}
