# Functions with a managed database: what is planned, without a cloud. Values that AWS would give are given here.

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}
override_data {
  target = data.aws_partition.current
  values = { partition = "aws" }
}
override_data {
  target = data.aws_region.current
  values = { region = "eu-central-1" }
}
override_resource {
  target          = aws_secretsmanager_secret.owner
  override_during = plan
  values          = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:agentcore-dev/owner-AbCdEf" }
}
override_resource {
  target          = aws_secretsmanager_secret.app[0]
  override_during = plan
  values          = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:agentcore-dev/app-AbCdEf" }
}
override_resource {
  target          = module.queue[0].aws_sqs_queue.runs
  override_during = plan
  values          = { arn = "arn:aws:sqs:eu-central-1:123456789012:agentcore-dev-runs" }
}
override_resource {
  target          = module.queue[0].aws_sqs_queue.dead
  override_during = plan
  values          = { arn = "arn:aws:sqs:eu-central-1:123456789012:agentcore-dev-runs-dead" }
}
override_resource {
  target          = module.database[0].aws_db_instance.this
  override_during = plan
  values          = { resource_id = "db-ABCDEFGHIJKL", address = "agentcore-dev.abc.eu-central-1.rds.amazonaws.com" }
}
override_resource {
  target          = module.http_chat[0].aws_cloudwatch_log_group.this
  override_during = plan
  values          = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/agentcore-dev-http-chat" }
}
override_resource {
  target          = module.queue_worker[0].aws_cloudwatch_log_group.this
  override_during = plan
  values          = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/agentcore-dev-queue-worker" }
}
override_resource {
  target          = module.timer_wakeup.aws_cloudwatch_log_group.this
  override_during = plan
  values          = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/agentcore-dev-timer-wakeup" }
}
override_resource {
  target          = module.command.aws_cloudwatch_log_group.this
  override_during = plan
  values          = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/agentcore-dev-command" }
}
override_resource {
  target          = module.timer_wakeup.aws_lambda_function.this
  override_during = plan
  values          = { arn = "arn:aws:lambda:eu-central-1:123456789012:function:agentcore-dev-timer-wakeup" }
}

variables {
  region       = "eu-central-1"
  image        = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/agentcore:1.0"
  web_image    = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/agentcore:1.0-web"
  secret_names = ["OPENAI_API_KEY"]
  secrets      = { OPENAI_API_KEY = "hush" }
  alert_emails = ["ops@example.com"]
}

run "time_outs_fit_into_each_other" {
  command = plan

  assert {
    condition     = tonumber(module.queue_worker[0].environment.AGENTCORE_SLICE_SECONDS) + tonumber(module.queue_worker[0].environment.AGENTCORE_DEADLINE_MARGIN) <= module.queue_worker[0].seconds
    error_message = "A slice and its margin must fit into the function's time."
  }
  assert {
    condition     = local.visibility_seconds >= 6 * module.queue_worker[0].seconds
    error_message = "The queue must hide a message for six times the function's time."
  }
  assert {
    condition     = local.most_receives > tonumber(module.queue_worker[0].environment.AGENTCORE_BUS_ATTEMPTS)
    error_message = "The product must put a message aside, with the reason, before the queue does."
  }
}

run "the_longest_slice_is_what_lambda_allows" {
  command = plan
  variables {
    slice_seconds = 890
  }

  assert {
    condition     = module.queue_worker[0].seconds == 900 && local.visibility_seconds <= 43200
    error_message = "890 s and the margin are Lambda's 900 s, and six times that is less than the 12 hours of SQS."
  }
}

run "each_role_may_do_what_it_needs" {
  command = plan

  assert {
    condition = toset(flatten([for one in jsondecode(module.http_chat[0].policy).Statement : one.Action if one.Effect == "Allow" && !strcontains(jsonencode(one.Action), "ec2:")])) == toset([
      "logs:CreateLogStream", "logs:PutLogEvents", "rds-db:connect", "secretsmanager:GetSecretValue",
      "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage",
    ])
    error_message = "http_chat sends to the queue, and receives nothing."
  }
  assert {
    condition = toset(flatten([for one in jsondecode(module.queue_worker[0].policy).Statement : one.Action if one.Effect == "Allow" && !strcontains(jsonencode(one.Action), "ec2:")])) == toset([
      "logs:CreateLogStream", "logs:PutLogEvents", "rds-db:connect", "secretsmanager:GetSecretValue",
      "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage",
      "sqs:SendMessage",
    ])
    error_message = "queue_worker also receives."
  }
  assert {
    condition     = module.timer_wakeup.policy == replace(module.http_chat[0].policy, "http-chat", "timer-wakeup")
    error_message = "timer_wakeup may do what http_chat may."
  }
  assert {
    condition     = alltrue([for policy in [module.http_chat[0].policy, module.queue_worker[0].policy, module.timer_wakeup.policy] : !strcontains(policy, "dev/owner")])
    error_message = "Only commands know the owner's password."
  }
  assert {
    condition     = strcontains(module.http_chat[0].policy, "arn:aws:rds-db:eu-central-1:123456789012:dbuser:db-ABCDEFGHIJKL/agentcore_app")
    error_message = "Functions sign in as the role that owns nothing."
  }
  assert {
    condition     = !strcontains(module.command.policy, "rds-db:connect") && strcontains(module.command.policy, "dev/owner")
    error_message = "Commands sign in as the owner, with the password."
  }
}

run "nothing_is_allowed_on_everything_but_network_interfaces" {
  command = plan

  assert {
    condition = alltrue(flatten([for policy in [module.http_chat[0].policy, module.queue_worker[0].policy, module.timer_wakeup.policy, module.command.policy] : [
      for one in jsondecode(policy).Statement : one.Effect == "Deny" || !contains(flatten([one.Resource]), "*") || alltrue([for action in one.Action : startswith(action, "ec2:") && !strcontains(action, "*")])
    ]]))
    error_message = "Only what Lambda does with network interfaces has no narrower resources."
  }
  assert {
    condition     = alltrue([for policy in [module.http_chat[0].policy, module.queue_worker[0].policy] : length([for one in jsondecode(policy).Statement : one if one.Effect == "Deny"]) == 1])
    error_message = "The function's own code must not make network interfaces."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.scheduler.policy).Statement[0].Resource == module.timer_wakeup.arn && jsondecode(aws_iam_role.scheduler.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "The scheduler calls timer_wakeup only, and for this account only."
  }
}

run "the_queue_calls_the_worker_and_takes_back_what_failed" {
  command = plan

  assert {
    condition     = aws_lambda_event_source_mapping.runs[0].function_response_types == toset(["ReportBatchItemFailures"]) && aws_lambda_event_source_mapping.runs[0].scaling_config[0].maximum_concurrency == 10
    error_message = "Messages come again alone, and workers have a ceiling."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.runs[0].batch_size == tonumber(module.queue_worker[0].environment.AGENTCORE_CONCURRENCY)
    error_message = "A worker executes a whole batch at once."
  }
  assert {
    condition     = output.bus_url == "sqs://eu-central-1/123456789012/agentcore-dev-runs"
    error_message = "AGENTCORE_BUS_URL names the queue."
  }
}

run "the_api_streams_and_asks_who_calls" {
  command = plan

  assert {
    condition     = aws_lambda_function_url.api[0].invoke_mode == "RESPONSE_STREAM" && module.http_chat[0].environment.AWS_LWA_INVOKE_MODE == "response_stream"
    error_message = "The URL and the Web Adapter must both stream."
  }
  assert {
    condition     = module.http_chat[0].environment.AGENTCORE_AUTH == "keys"
    error_message = "Whoever comes through the URL must show a key."
  }
  assert {
    condition     = aws_lambda_permission.url[0].function_url_auth_type == "NONE" && aws_lambda_permission.through_url[0].invoked_via_function_url
    error_message = "Everybody may call the URL, and the function only through it."
  }
}

run "without_the_web_adapter_answers_come_whole" {
  command = plan
  variables {
    web_image = ""
  }

  assert {
    condition     = aws_lambda_function_url.api[0].invoke_mode == "BUFFERED" && !contains(keys(module.http_chat[0].environment), "AWS_LWA_INVOKE_MODE")
    error_message = "Lambda's runtime client of Python does not stream."
  }
}

run "functions_sign_in_by_iam_and_secrets_stay_out_of_the_environment" {
  command = plan

  assert {
    condition     = module.http_chat[0].environment.AGENTCORE_DATABASE_URL == "postgresql://agentcore_app@agentcore-dev.abc.eu-central-1.rds.amazonaws.com:5432/agentcore?sslmode=require" && module.http_chat[0].environment.AGENTCORE_DATABASE_IDENTITY == "aws"
    error_message = "Functions sign in as the role that owns nothing, with no password."
  }
  assert {
    condition     = module.command.environment.AGENTCORE_DATABASE_GRANT == "agentcore_app" && startswith(module.command.environment.AGENTCORE_DATABASE_URL, "postgresql://agentcore@")
    error_message = "The owner migrates and grants."
  }
  assert {
    condition     = alltrue([for role, variables in output.environment_variables : !contains(keys(variables), "OPENAI_API_KEY") && !contains(keys(variables), "PGPASSWORD")])
    error_message = "Secrets are in Secrets Manager, and nowhere else."
  }
}

run "with_passwords_all_are_the_owner" {
  command = plan
  variables {
    database_sign_in = "password"
    database_ca      = "/etc/ssl/rds.pem"
  }

  assert {
    condition     = module.http_chat[0].environment.AGENTCORE_DATABASE_URL == "postgresql://agentcore@agentcore-dev.abc.eu-central-1.rds.amazonaws.com:5432/agentcore?sslmode=verify-full&sslrootcert=/etc/ssl/rds.pem"
    error_message = "The database must show who it is, where its certificates are given."
  }
  assert {
    condition     = module.http_chat[0].environment.AGENTCORE_AWS_SECRET == aws_secretsmanager_secret.owner.arn && length(aws_secretsmanager_secret.app) == 0 && !contains(keys(module.command.environment), "AGENTCORE_DATABASE_GRANT")
    error_message = "There is one secret, with the password, and no second role."
  }
}

run "the_migration_comes_first_again_for_every_image" {
  command = plan

  assert {
    condition     = aws_lambda_invocation.migrate.input == "{\"args\":[\"migrate\"]}" && aws_lambda_invocation.migrate.triggers.image == var.image
    error_message = "Each image migrates."
  }
  assert {
    condition     = aws_lambda_invocation.preflight[0].input == "{\"args\":[\"preflight\"]}"
    error_message = "Parked runs must resume on the new code."
  }
}

run "the_clock_ticks_as_often_as_it_is_told" {
  command = plan
  variables {
    wakeup_schedule = "*/15 * * * *"
  }

  assert {
    condition     = aws_scheduler_schedule.timer_wakeup.schedule_expression == "rate(15 minutes)" && aws_scheduler_schedule.timer_wakeup.target[0].retry_policy[0].maximum_retry_attempts == 0
    error_message = "Every 15 minutes, and no tick twice."
  }
}

run "what_goes_wrong_is_told" {
  command = plan

  assert {
    condition = toset(module.watch.alarms) == toset([
      "clock", "database-connections", "database-processor", "dead-letters", "http_chat-errors", "http_chat-throttles",
      "oldest-message", "queue_worker-errors", "queue_worker-throttles", "timer_wakeup-errors", "timer_wakeup-throttles",
    ])
    error_message = "Dead letters, waiting, errors, throttles, the clock and the database are watched."
  }
}

run "min_replicas_are_kept_ready" {
  command = plan
  variables {
    min_replicas = 3
  }

  assert {
    condition     = aws_lambda_provisioned_concurrency_config.api[0].provisioned_concurrent_executions == 3
    error_message = "Provisioned concurrency is what is ready on Lambda."
  }
}

run "a_database_of_yours_needs_no_network" {
  command = plan
  variables {
    database     = "external"
    database_url = "postgresql://u:p@db.example.com/agents?sslmode=verify-full"
  }

  assert {
    condition     = length(module.network) == 0 && length(module.database) == 0 && output.database_host == null
    error_message = "There is nothing to be private for, and no NAT gateway to pay."
  }
  assert {
    condition     = !contains(keys(module.http_chat[0].environment), "AGENTCORE_DATABASE_URL") && module.http_chat[0].environment.AGENTCORE_AWS_SECRET == aws_secretsmanager_secret.owner.arn
    error_message = "Its URL has a password, so it is in the secret."
  }
  assert {
    condition     = !strcontains(module.http_chat[0].policy, "ec2:") && !strcontains(module.http_chat[0].policy, "rds-db:")
    error_message = "Functions outside of a network need no rights to one."
  }
}
