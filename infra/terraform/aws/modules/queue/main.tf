# Ids of runs that are due, and events from outside; and the dead letters among them.

resource "aws_sqs_queue" "runs" {
  name                       = var.name
  visibility_timeout_seconds = var.visibility_seconds
  message_retention_seconds  = 14 * 86400
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true

  # The product puts aside what nobody can use, with the reason. This is for what kills a worker before it can.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = var.most_receives
  })
  tags = var.tags
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-dead"
  message_retention_seconds = 14 * 86400
  sqs_managed_sse_enabled   = true
  tags                      = var.tags
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.url
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.runs.arn]
  })
}

resource "aws_sqs_queue_policy" "encrypted" {
  for_each  = { runs = aws_sqs_queue.runs, dead = aws_sqs_queue.dead }
  queue_url = each.value.url

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyOverTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*" # a denial: nothing at all without TLS
      Resource  = each.value.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
