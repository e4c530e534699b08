# What is refused while it is planned, and not after half of it was made.

mock_provider "azurerm" {}
# azapi is not mocked: Terraform cannot mock its ephemeral resources yet.

variables {
  image         = "agents:1.0.0"
  run_migration = false
  database_url  = "" # unset ephemeral variables make `terraform test` fail
  secrets       = {}
  max_replicas  = 3
  max_workers   = 3
}

run "values_out_of_range" {
  command = plan
  variables {
    name               = "Agents--"
    environment        = "production-2"
    region             = "West Europe"
    database           = "mysql"
    database_size      = "db.t3.micro"
    bus                = "sqs"
    compute            = "aks"
    auth               = "none"
    wakeup_schedule    = "0 * * * * *"
    min_replicas       = -1
    max_replicas       = 0
    max_workers        = 0.5
    slice_seconds      = 5
    budget_monthly_usd = -1
    alert_emails       = ["nobody"]
    retention_days     = 7
    registry_id        = "acme"
    address_space      = "10.0.0.0/24"
  }
  expect_failures = [
    var.name, var.environment, var.region, var.database, var.database_size, var.bus, var.compute, var.auth,
    var.wakeup_schedule, var.min_replicas, var.max_replicas, var.max_workers, var.slice_seconds, var.budget_monthly_usd,
    var.alert_emails, var.retention_days, var.registry_id, var.address_space,
  ]
}

run "an_image_without_a_tag" {
  command = plan
  variables {
    image = "localhost:5000/agents"
  }
  expect_failures = [var.image]
}

run "the_latest_image" {
  command = plan
  variables {
    image = "agents:latest"
  }
  expect_failures = [var.image]
}

run "a_setting_that_is_set_here" {
  command = plan
  variables {
    settings = { AGENTCORE_BUS_URL = "store://" }
  }
  expect_failures = [var.settings]
}

run "a_secret_among_the_settings" {
  command = plan
  variables {
    settings = { OPENAI_API_KEY = "sk-test" }
  }
  expect_failures = [var.settings]
}

run "a_setting_that_is_no_variable" {
  command = plan
  variables {
    settings = { "log-level" = "debug" }
  }
  expect_failures = [var.settings]
}

run "a_database_url_among_the_secrets" {
  command = plan
  variables {
    secret_names = ["AGENTCORE_DATABASE_URL"]
    secrets      = { AGENTCORE_DATABASE_URL = "postgresql://" }
  }
  expect_failures = [var.secret_names]
}

run "functions_without_a_bus" {
  command = plan
  variables {
    compute = "functions"
    bus     = "store"
  }
  expect_failures = [azurerm_resource_group.this]
}

run "functions_with_another_clock" {
  command = plan
  variables {
    compute         = "functions"
    wakeup_schedule = "*/5 * * * *"
  }
  expect_failures = [azurerm_resource_group.this]
}

run "functions_with_another_slice" {
  command = plan
  variables {
    compute       = "functions"
    slice_seconds = 900
  }
  expect_failures = [azurerm_resource_group.this]
}

run "more_at_least_than_at_most" {
  command = plan
  variables {
    min_replicas = 4
  }
  expect_failures = [azurerm_resource_group.this]
}

run "tokens_of_nobody" {
  command = plan
  variables {
    auth = "keys,oidc"
  }
  expect_failures = [azurerm_resource_group.this]
}

run "more_processes_than_the_database_has_connections" {
  command = plan
  variables {
    database_size = "B_Standard_B1ms"
    max_replicas  = 10
    max_workers   = 10
  }
  expect_failures = [azurerm_resource_group.this]
}

run "an_azure_registry_for_an_image_elsewhere" {
  command = plan
  variables {
    image       = "ghcr.io/acme/agents:1.0.0"
    registry_id = "/subscriptions/0/resourceGroups/r/providers/Microsoft.ContainerRegistry/registries/acme"
  }
  expect_failures = [azurerm_resource_group.this]
}

run "a_url_of_another_database" {
  command = plan
  variables {
    database     = "external"
    database_url = "mysql://u:p@db.example.com/agentcore"
  }
  expect_failures = [var.database_url]
}

run "a_secret_without_a_value" {
  command = plan
  module { source = "./modules/vault" }
  variables {
    name                = "v"
    resource_group_name = "rg"
    location            = "westeurope"
    tags                = {}
    deletion_protection = false
    writers             = []
    names               = ["OPENAI_API_KEY"]
    values              = {}
    values_version      = 1
  }
  expect_failures = [azurerm_key_vault_secret.this["OPENAI_API_KEY"]]
}
