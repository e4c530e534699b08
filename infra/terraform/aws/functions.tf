# http_chat and queue_worker on Lambda, and timer_wakeup, which is there on Fargate too: a task takes half a minute to start.

locals {
  streams = local.lambda && var.web_image != ""
}

module "http_chat" {
  source = "./modules/function"
  count  = local.lambda ? 1 : 0

  name           = "${local.prefix}-http-chat"
  function_arn   = "${local.functions}:${local.prefix}-http-chat"
  image          = local.streams ? var.web_image : var.image
  handler        = local.streams ? null : "http_chat.aws_lambda.handler"
  architecture   = var.architecture
  memory         = var.memory_mb
  seconds        = local.function_seconds
  concurrency    = var.max_replicas
  publish        = true
  environment    = local.variables.http_chat
  permissions    = local.permissions.http_chat
  network        = local.network
  retention_days = var.retention_days
  tags           = local.tags

  depends_on = [aws_lambda_invocation.migrate, aws_lambda_invocation.preflight, aws_secretsmanager_secret_version.app]
}

resource "aws_lambda_function_url" "api" {
  count              = local.lambda ? 1 : 0
  function_name      = module.http_chat[0].name
  qualifier          = module.http_chat[0].alias
  authorization_type = "NONE" # our API asks for a key or a token
  invoke_mode        = local.streams ? "RESPONSE_STREAM" : "BUFFERED"
}

# Both are needed since October 2025. The second one lets nobody call the function but through its URL.
resource "aws_lambda_permission" "url" {
  count                  = local.lambda ? 1 : 0
  statement_id           = "url"
  function_name          = module.http_chat[0].name
  qualifier              = module.http_chat[0].alias
  principal              = "*"
  action                 = "lambda:InvokeFunctionUrl"
  function_url_auth_type = "NONE"
}

resource "aws_lambda_permission" "through_url" {
  count                    = local.lambda ? 1 : 0
  statement_id             = "through-url"
  function_name            = module.http_chat[0].name
  qualifier                = module.http_chat[0].alias
  principal                = "*"
  action                   = "lambda:InvokeFunction"
  invoked_via_function_url = true
}

resource "aws_lambda_provisioned_concurrency_config" "api" {
  count                             = local.lambda && var.min_replicas > 0 ? 1 : 0
  function_name                     = module.http_chat[0].name
  qualifier                         = module.http_chat[0].alias
  provisioned_concurrent_executions = var.min_replicas
}

module "queue_worker" {
  source = "./modules/function"
  count  = local.lambda ? 1 : 0

  name           = "${local.prefix}-queue-worker"
  function_arn   = "${local.functions}:${local.prefix}-queue-worker"
  image          = var.image
  handler        = "queue_worker.aws_lambda.handler"
  architecture   = var.architecture
  memory         = var.memory_mb
  seconds        = local.function_seconds
  environment    = local.variables.queue_worker
  permissions    = local.permissions.queue_worker
  network        = local.network
  retention_days = var.retention_days
  tags           = local.tags

  depends_on = [aws_lambda_invocation.migrate, aws_lambda_invocation.preflight, aws_secretsmanager_secret_version.app]
}

resource "aws_lambda_event_source_mapping" "runs" {
  count                   = local.lambda ? 1 : 0
  event_source_arn        = module.queue[0].arn
  function_name           = module.queue_worker[0].arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
  tags                    = local.tags

  # Not by reserved concurrency: a message that is throttled is received in vain, and at last put aside.
  scaling_config {
    maximum_concurrency = var.max_workers
  }
}

module "timer_wakeup" {
  source = "./modules/function"

  name           = "${local.prefix}-timer-wakeup"
  function_arn   = "${local.functions}:${local.prefix}-timer-wakeup"
  image          = var.image
  handler        = "timer_wakeup.aws_lambda.handler"
  architecture   = var.architecture
  memory         = 512
  seconds        = 60
  environment    = local.variables.timer_wakeup
  permissions    = local.permissions.timer_wakeup
  network        = local.network
  retention_days = var.retention_days
  tags           = local.tags

  depends_on = [aws_lambda_invocation.migrate, aws_lambda_invocation.preflight, aws_secretsmanager_secret_version.app]
}

# A tick that failed is not repeated: the next one does its work.
resource "aws_lambda_function_event_invoke_config" "timer_wakeup" {
  function_name                = module.timer_wakeup.name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}

resource "aws_scheduler_schedule" "timer_wakeup" {
  name                = "${local.prefix}-timer-wakeup"
  schedule_expression = local.clock_minutes == 1 ? "rate(1 minute)" : "rate(${local.clock_minutes} minutes)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = module.timer_wakeup.arn
    role_arn = aws_iam_role.scheduler.arn

    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = 60
    }
  }
}

resource "aws_iam_role" "scheduler" {
  name = "${local.prefix}-scheduler"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account_id
          "aws:SourceArn"     = "arn:${local.partition}:scheduler:${local.region}:${local.account_id}:schedule-group/default"
        }
      }
    }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy" "scheduler" {
  name = "call"
  role = aws_iam_role.scheduler.name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "lambda:InvokeFunction", Resource = module.timer_wakeup.arn }]
  })
}
