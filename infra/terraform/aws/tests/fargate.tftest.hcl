# Services on Fargate.

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

variables {
  region          = "eu-central-1"
  image           = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/agentcore:1.0"
  compute         = "fargate"
  certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/abc"
  domain          = "agents.example.com"
}

run "services_take_the_place_of_functions_and_the_clock_stays_one" {
  command = plan

  assert {
    condition     = length(module.http_chat) == 0 && length(module.queue_worker) == 0 && length(aws_lambda_function_url.api) == 0 && length(aws_lambda_event_source_mapping.runs) == 0
    error_message = "http_chat and queue_worker are services."
  }
  assert {
    condition     = output.url == "https://agents.example.com"
    error_message = "The certificate is for the domain, so that is the URL."
  }
  assert {
    condition     = local.repository_arn == "arn:aws:ecr:eu-central-1:123456789012:repository/team/agentcore"
    error_message = "Tasks may pull from the image's repository only."
  }
  assert {
    condition     = toset(module.watch.alarms) == toset(["api-errors", "clock", "database-connections", "database-processor", "dead-letters", "oldest-message", "timer_wakeup-errors", "timer_wakeup-throttles"])
    error_message = "The load balancer is watched in place of the functions."
  }
}

run "the_bus_may_be_the_database" {
  command = plan
  variables {
    bus = "store"
  }

  assert {
    condition     = length(module.queue) == 0 && output.bus_url == "store://"
    error_message = "Workers on Fargate look into the database."
  }
}

run "a_task_has_no_more_than_it_needs" {
  command = plan
  module {
    source = "./modules/task"
  }
  variables {
    name           = "x-http-chat"
    account_id     = "123456789012"
    repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/agentcore"
    architecture   = "arm64"
    memory         = 1024
    command        = ["serve"]
    environment    = { AGENTCORE_AUTH = "keys" }
    permissions    = [{ actions = ["sqs:SendMessage"], resources = ["arn:aws:sqs:eu-central-1:123456789012:x"] }]
    retention_days = 30
    tags           = {}
  }

  assert {
    condition = alltrue([for one in jsondecode(aws_ecs_task_definition.this.container_definitions) : (
      one.readonlyRootFilesystem && one.user == "10001:10001" && one.linuxParameters.capabilities.drop == ["ALL"] && one.stopTimeout >= 30
    )])
    error_message = "Not root, nothing to write but /tmp, no capabilities, and time to hand over."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.task.policy).Statement == [{ Effect = "Allow", Action = ["sqs:SendMessage"], Resource = ["arn:aws:sqs:eu-central-1:123456789012:x"] }]
    error_message = "The task may do what it was given, and nothing else."
  }
  assert {
    condition     = aws_ecs_task_definition.this.runtime_platform[0].cpu_architecture == "ARM64"
    error_message = "The processor must be that of the image."
  }
}

run "only_tls_comes_in_and_only_the_balancer_reaches_tasks" {
  command = plan
  module {
    source = "./modules/fargate"
  }
  variables {
    name                  = "x"
    account_id            = "123456789012"
    repository_arn        = "arn:aws:ecr:eu-central-1:123456789012:repository/agentcore"
    architecture          = "x86_64"
    memory                = 1024
    environments          = { http-chat = {}, queue-worker = {} }
    permissions           = { http-chat = [], queue-worker = [] }
    vpc_id                = "vpc-1"
    private_subnet_ids    = ["subnet-1", "subnet-2"]
    public_subnet_ids     = ["subnet-3", "subnet-4"]
    app_security_group_id = "sg-app"
    queue_name            = "x-runs"
    min_replicas          = 0
    max_replicas          = 5
    max_workers           = 7
    deletion_protection   = true
    retention_days        = 30
    tags                  = {}
  }

  assert {
    condition     = aws_lb_listener.https.protocol == "HTTPS" && aws_lb_listener.https.port == 443 && startswith(aws_lb_listener.https.ssl_policy, "ELBSecurityPolicy-TLS13")
    error_message = "There is no listener but one with TLS 1.2 or later."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.https.from_port == 443 && aws_vpc_security_group_ingress_rule.https.to_port == 443
    error_message = "Nothing but HTTPS comes in from the internet."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.tasks.cidr_ipv4 == null && aws_ecs_service.api.network_configuration[0].assign_public_ip != true
    error_message = "Tasks have no public address."
  }
  assert {
    condition     = aws_appautoscaling_target.this["api"].min_capacity == 1 && aws_appautoscaling_target.this["api"].max_capacity == 5 && aws_appautoscaling_target.this["worker"].max_capacity == 7
    error_message = "Services scale between the replicas, at least one."
  }
  assert {
    condition     = length(aws_appautoscaling_policy.queue) == 2 && length(aws_appautoscaling_policy.processor) == 1
    error_message = "The queue scales workers."
  }
}
