# What each role may do, and nothing else.

locals {
  read_app_secret   = { actions = ["secretsmanager:GetSecretValue"], resources = [local.app_secret_arn] }
  read_owner_secret = { actions = ["secretsmanager:GetSecretValue"], resources = [aws_secretsmanager_secret.owner.arn] }

  sign_in = !local.iam ? [] : [{
    actions   = ["rds-db:connect"]
    resources = ["arn:${local.partition}:rds-db:${local.region}:${local.account_id}:dbuser:${module.database[0].resource_id}/agentcore_app"]
  }]

  send = !local.queue ? [] : [{
    actions   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
    resources = [module.queue[0].arn]
  }]

  receive = !local.queue ? [] : [
    {
      actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"]
      resources = [module.queue[0].arn]
    },
    { actions = ["sqs:GetQueueUrl", "sqs:SendMessage"], resources = [module.queue[0].dead_arn] },
  ]

  permissions = {
    http_chat    = concat([local.read_app_secret], local.sign_in, local.send)
    queue_worker = concat([local.read_app_secret], local.sign_in, local.send, local.receive)
    timer_wakeup = concat([local.read_app_secret], local.sign_in, local.send)
    command      = concat([local.read_owner_secret], local.send)
  }
}
