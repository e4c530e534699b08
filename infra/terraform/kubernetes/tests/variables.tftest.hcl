# Wrong values are refused, by a message that names the variable.

mock_provider "kubernetes" {}
mock_provider "helm" {}

variables {
  image = "registry.example.com/agentcore:1.0.0"
}

run "name" {
  command = plan

  variables {
    name = "A"
  }

  expect_failures = [var.name]
}

run "environment" {
  command = plan

  variables {
    environment = "Production!"
  }

  expect_failures = [var.environment]
}

run "namespace" {
  command = plan

  variables {
    namespace = "default"
  }

  expect_failures = [var.namespace]
}

run "create_namespace" {
  command = plan

  variables {
    deletion_protection = true
  }

  expect_failures = [var.create_namespace]
}

run "image" {
  command = plan

  variables {
    image = "agentcore:latest"
  }

  expect_failures = [var.image]
}

run "database" {
  command = plan

  variables {
    database = "mine"
  }

  expect_failures = [var.database]
}

run "database_url" {
  command = plan

  variables {
    database = "external"
  }

  expect_failures = [var.database_url]
}

run "database_size" {
  command = plan

  variables {
    database_size = "20"
  }

  expect_failures = [var.database_size]
}

run "bus" {
  command = plan

  variables {
    bus = "nats"
  }

  expect_failures = [var.bus]
}

run "bus_url" {
  command = plan

  variables {
    bus     = "servicebus"
    bus_url = ""
  }

  expect_failures = [var.bus_url]
}

run "bus_url_of_another_bus" {
  command = plan

  variables {
    bus     = "kafka"
    bus_url = "amqps://rabbit/q"
  }

  expect_failures = [var.bus_url]
}

run "bus_url_with_a_password" {
  command = plan

  variables {
    bus     = "rabbitmq"
    bus_url = "amqps://u:p@rabbit/q"
  }

  expect_failures = [var.bus_url]
}

run "bus_url_without_credentials" {
  command = plan

  variables {
    bus     = "rabbitmq"
    bus_url = "amqps://rabbit/q"
  }

  expect_failures = [var.bus_url]
}

run "auth" {
  command = plan

  variables {
    auth = "none"
  }

  expect_failures = [var.auth]
}

run "oidc_issuer" {
  command = plan

  variables {
    auth          = "oidc"
    oidc_audience = "a"
  }

  expect_failures = [var.oidc_issuer]
}

run "oidc_audience" {
  command = plan

  variables {
    auth        = "oidc"
    oidc_issuer = "https://login.example.com"
  }

  expect_failures = [var.oidc_audience]
}

run "secret_names" {
  command = plan

  variables {
    secret_names = ["AGENTCORE_DATABASE_URL"]
    secrets      = { AGENTCORE_DATABASE_URL = "x" }
  }

  expect_failures = [var.secret_names]
}

run "secrets" {
  command = plan

  variables {
    secret_names = ["OPENAI_API_KEY"]
  }

  expect_failures = [var.secrets]
}

run "secrets_version" {
  command = plan

  variables {
    secrets_version = 0
  }

  expect_failures = [var.secrets_version]
}

run "settings" {
  command = plan

  variables {
    settings = { AGENTCORE_BUS_URL = "store://" }
  }

  expect_failures = [var.settings]
}

run "settings_with_a_secret" {
  command = plan

  variables {
    settings = { AGENTCORE_REDIS_TOKEN = "x" }
  }

  expect_failures = [var.settings]
}

run "pool_size" {
  command = plan

  variables {
    pool_size = 0
  }

  expect_failures = [var.pool_size]
}

run "wakeup_schedule" {
  command = plan

  variables {
    wakeup_schedule = "every minute"
  }

  expect_failures = [var.wakeup_schedule]
}

run "min_replicas" {
  command = plan

  variables {
    min_replicas = 0
  }

  expect_failures = [var.min_replicas]
}

run "max_replicas" {
  command = plan

  variables {
    max_replicas = 1001
  }

  expect_failures = [var.max_replicas]
}

run "worker" {
  command = plan

  variables {
    worker = "lambda"
  }

  expect_failures = [var.worker]
}

run "min_workers" {
  command = plan

  variables {
    min_workers = 0
  }

  expect_failures = [var.min_workers]
}

run "max_workers" {
  command = plan

  variables {
    max_workers = 1001
  }

  expect_failures = [var.max_workers]
}

run "slice_seconds" {
  command = plan

  variables {
    slice_seconds = 10
  }

  expect_failures = [var.slice_seconds]
}

run "host" {
  command = plan

  variables {
    host = "agents"
  }

  expect_failures = [var.host]
}

run "ingress" {
  command = plan

  variables {
    host = "agents.example.com"
  }

  expect_failures = [var.ingress]
}

run "values" {
  command = plan

  variables {
    values = "[]"
  }

  expect_failures = [var.values]
}

run "services_values" {
  command = plan

  variables {
    services_values = "a"
  }

  expect_failures = [var.services_values]
}

run "tags" {
  command = plan

  variables {
    tags = { "a b" = "c" }
  }

  expect_failures = [var.tags]
}
