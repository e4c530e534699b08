output "url" {
  description = "Where http_chat answers."
  value       = local.lambda ? trimsuffix(aws_lambda_function_url.api[0].function_url, "/") : "https://${var.domain}"
}

output "environment_variables" {
  description = "What each function runs with. Variables that are secret are in the secret that AGENTCORE_AWS_SECRET names."
  value       = local.variables
}

output "database_host" {
  description = "Private name of the managed database; null where it is yours."
  value       = local.database_host
}

output "bus_url" {
  description = "AGENTCORE_BUS_URL."
  value       = local.bus_url
}

output "migrate_command" {
  description = "Migrates by hand. Other commands of agentcore take the place of migrate."
  value       = "aws lambda invoke --region ${local.region} --function-name ${module.command.name} --cli-read-timeout 900 --cli-binary-format raw-in-base64-out --payload '{\"args\": [\"migrate\"]}' /dev/stdout"
}

output "log_query" {
  description = "Reads the logs; http-chat and timer-wakeup are beside it."
  value       = "aws logs tail --region ${local.region} --follow ${local.lambda ? "/aws/lambda" : "/ecs"}/${local.prefix}-queue-worker"
}

output "load_balancer" {
  description = "With compute = \"fargate\": where to lead the domain to."
  value       = one(module.fargate[*].load_balancer)
}

output "alarm_topic" {
  description = "SNS topic that alarms go to."
  value       = module.watch.topic_arn
}

output "image" {
  description = "What runs: to go back to it, should the next one not work."
  value       = var.image
}

output "web_image" {
  description = "The image of http_chat with the Web Adapter, for going back to it."
  value       = var.web_image
}
