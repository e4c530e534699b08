# What cannot work is refused before anything is made.

override_data {
  target = data.aws_region.current
  values = { region = "eu-central-1" }
}

variables {
  region = "eu-central-1"
  image  = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/agentcore:1.0"
}

run "a_name_that_is_too_long_is_refused" {
  command = plan
  variables {
    name = "a-name-that-is-too-long-by-far"
  }
  expect_failures = [var.name]
}

run "a_name_in_capitals_is_refused" {
  command = plan
  variables {
    name = "AgentCore"
  }
  expect_failures = [var.name]
}

run "an_environment_with_hyphens_is_refused" {
  command = plan
  variables {
    environment = "pre-prod"
  }
  expect_failures = [var.environment]
}

run "a_zone_for_a_region_is_refused" {
  command = plan
  variables {
    region = "eu-central-1a"
  }
  expect_failures = [var.region]
}

run "an_image_that_lambda_cannot_pull_is_refused" {
  command = plan
  variables {
    image = "ghcr.io/acme/agentcore:1.0"
  }
  expect_failures = [var.image]
}

run "an_image_without_a_tag_is_refused" {
  command = plan
  variables {
    image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/agentcore"
  }
  expect_failures = [var.image]
}

run "the_latest_image_is_refused" {
  command = plan
  variables {
    image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/agentcore:latest"
  }
  expect_failures = [var.image]
}

run "the_web_adapter_in_the_image_of_all_is_refused" {
  command = plan
  variables {
    web_image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/agentcore:1.0"
  }
  expect_failures = [var.web_image]
}

run "a_database_that_does_not_exist_is_refused" {
  command = plan
  variables {
    database = "aurora"
  }
  expect_failures = [var.database]
}

run "a_database_of_yours_without_its_url_is_refused" {
  command = plan
  variables {
    database = "external"
  }
  expect_failures = [var.database_url]
}

run "a_url_that_is_no_database_is_refused" {
  command = plan
  variables {
    database     = "external"
    database_url = "mysql://u:p@h/d"
  }
  expect_failures = [var.database_url]
}

run "a_size_that_is_none_is_refused" {
  command = plan
  variables {
    database_size = "small"
  }
  expect_failures = [var.database_size]
}

run "a_bus_that_does_not_exist_is_refused" {
  command = plan
  variables {
    bus = "kafka"
  }
  expect_failures = [var.bus]
}

run "a_store_that_calls_no_function_is_refused" {
  command = plan
  variables {
    bus = "store"
  }
  expect_failures = [var.bus]
}

run "a_compute_that_does_not_exist_is_refused" {
  command = plan
  variables {
    compute = "ec2"
  }
  expect_failures = [var.compute]
}

run "nobody_who_asks_is_refused" {
  command = plan
  variables {
    auth = "none"
  }
  expect_failures = [var.auth]
}

run "oidc_without_an_issuer_is_refused" {
  command = plan
  variables {
    auth          = "oidc"
    oidc_audience = "a"
  }
  expect_failures = [var.oidc_issuer]
}

run "oidc_without_an_audience_is_refused" {
  command = plan
  variables {
    auth        = "oidc"
    oidc_issuer = "https://i"
  }
  expect_failures = [var.oidc_audience]
}

run "a_secret_without_a_value_is_refused" {
  command = plan
  variables {
    secret_names = ["OPENAI_API_KEY"]
  }
  expect_failures = [var.secrets]
}

run "a_secret_without_a_name_is_refused" {
  command = plan
  variables {
    secrets = { OPENAI_API_KEY = "k" }
  }
  expect_failures = [var.secrets]
}

run "a_secret_that_follows_from_elsewhere_is_refused" {
  command = plan
  variables {
    secret_names = ["PGPASSWORD"]
    secrets      = { PGPASSWORD = "p" }
  }
  expect_failures = [var.secret_names]
}

run "a_version_that_is_none_is_refused" {
  command = plan
  variables {
    secrets_version = 0
  }
  expect_failures = [var.secrets_version]
}

run "a_setting_that_is_none_is_refused" {
  command = plan
  variables {
    settings = { LOG_LEVEL = "debug" }
  }
  expect_failures = [var.settings]
}

run "a_setting_that_is_secret_is_refused" {
  command = plan
  variables {
    settings = { AGENTCORE_REDIS_TOKEN = "t" }
  }
  expect_failures = [var.settings]
}

run "a_setting_that_follows_from_elsewhere_is_refused" {
  command = plan
  variables {
    settings = { AGENTCORE_BUS_URL = "store://" }
  }
  expect_failures = [var.settings]
}

run "a_schedule_that_is_no_interval_is_refused" {
  command = plan
  variables {
    wakeup_schedule = "0 9 * * 1-5"
  }
  expect_failures = [var.wakeup_schedule]
}

run "more_ready_than_there_may_be_is_refused" {
  command = plan
  variables {
    min_replicas = 20
  }
  expect_failures = [var.min_replicas]
}

run "no_replicas_is_refused" {
  command = plan
  variables {
    max_replicas = 0
  }
  expect_failures = [var.max_replicas]
}

run "one_worker_which_sqs_does_not_allow_is_refused" {
  command = plan
  variables {
    max_workers = 1
  }
  expect_failures = [var.max_workers]
}

run "a_slice_longer_than_lambda_allows_is_refused" {
  command = plan
  variables {
    slice_seconds = 900
  }
  expect_failures = [var.slice_seconds]
}

run "a_negative_budget_is_refused" {
  command = plan
  variables {
    budget_monthly_usd = -1
  }
  expect_failures = [var.budget_monthly_usd]
}

run "an_address_that_is_none_is_refused" {
  command = plan
  variables {
    alert_emails = ["ops"]
  }
  expect_failures = [var.alert_emails]
}

run "days_that_cloudwatch_does_not_have_is_refused" {
  command = plan
  variables {
    retention_days = 31
  }
  expect_failures = [var.retention_days]
}

run "an_architecture_that_does_not_exist_is_refused" {
  command = plan
  variables {
    architecture = "amd64"
  }
  expect_failures = [var.architecture]
}

run "memory_that_fargate_does_not_have_is_refused" {
  command = plan
  variables {
    memory_mb = 1500
  }
  expect_failures = [var.memory_mb]
}

run "a_sign_in_that_does_not_exist_is_refused" {
  command = plan
  variables {
    database_sign_in = "kerberos"
  }
  expect_failures = [var.database_sign_in]
}

run "a_relative_path_is_refused" {
  command = plan
  variables {
    database_ca = "rds.pem"
  }
  expect_failures = [var.database_ca]
}

run "addresses_that_are_too_few_is_refused" {
  command = plan
  variables {
    address_space = "10.43.0.0/24"
  }
  expect_failures = [var.address_space]
}

run "one_zone_twice_is_refused" {
  command = plan
  variables {
    zones = ["a", "a"]
  }
  expect_failures = [var.zones]
}

run "endpoints_to_a_database_of_yours_is_refused" {
  command = plan
  variables {
    egress       = "endpoints"
    database     = "external"
    database_url = "postgresql://u:p@h/d"
  }
  expect_failures = [var.egress]
}

run "fargate_without_a_certificate_is_refused" {
  command = plan
  variables {
    compute = "fargate"
    domain  = "a.example.com"
  }
  expect_failures = [var.certificate_arn]
}

run "fargate_without_a_domain_is_refused" {
  command = plan
  variables {
    compute         = "fargate"
    certificate_arn = "arn:aws:acm:eu-central-1:1:certificate/a"
  }
  expect_failures = [var.domain]
}
