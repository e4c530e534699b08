# compute = functions: one Flex Consumption app with the three functions.

mock_provider "azurerm" {}
# azapi is not mocked: Terraform cannot mock its ephemeral resources yet.

variables {
  image         = "agents:1.0.0"
  run_migration = false
  database_url  = "" # unset ephemeral variables make `terraform test` fail
  secret_names  = ["OPENAI_API_KEY"]
  secrets       = { OPENAI_API_KEY = "sk-test" }
  max_replicas  = 3
  max_workers   = 3
  compute       = "functions"
}

run "one_app_instead_of_three" {
  override_resource {
    target = module.functions[0].azapi_resource.app
    values = { output = { host = "agents.azurewebsites.net" } }
  }
  assert {
    condition     = output.url == "https://agents.azurewebsites.net"
    error_message = "The API answers where Azure says."
  }
  assert {
    condition     = toset(keys(azurerm_user_assigned_identity.this)) == toset(["functions", "migrate"])
    error_message = "The three functions are one process, so they have one identity."
  }
  assert {
    condition     = length(module.http_chat) + length(module.queue_worker) + length(module.timer_wakeup) + length(module.store_worker) == 0 && length(module.functions) == 1
    error_message = "Only the migration is a job."
  }
  assert {
    condition = toset([for name, grant in azurerm_role_assignment.this : "${split(" ", name)[0]} ${grant.role_definition_name}"]) == toset([
      "functions Azure Service Bus Data Receiver", "functions Azure Service Bus Data Sender", "functions Key Vault Secrets User",
      "functions Monitoring Metrics Publisher", "functions Storage Blob Data Owner", "migrate AcrPull", "migrate Key Vault Secrets User",
    ])
    error_message = "The app sends, receives, reads its secret, writes telemetry and keeps its locks; the migration pulls and reads the secret."
  }
  assert {
    condition     = azurerm_storage_account.functions[0].shared_access_key_enabled == false && azurerm_storage_account.functions[0].allow_nested_items_to_be_public == false
    error_message = "Its storage knows identities only, and nothing in it is public."
  }
  assert {
    condition     = strcontains(output.environment_variables.functions.AGENTCORE_DATABASE_URL, "sslmode=require")
    error_message = "The database is reached over TLS."
  }
}

run "settings_of_the_app" {
  module { source = "./modules/functions" }
  override_resource {
    target = azapi_resource.app
    values = { output = { host = "agents.azurewebsites.net" } }
  }
  variables {
    name                = "agentcore-dev-abcde"
    storage_name        = "agentcoredevabcde"
    storage_id          = "/s"
    storage_endpoint    = "https://agentcoredevabcde.blob.core.windows.net/"
    resource_group      = { name = "rg", id = "/subscriptions/0/resourceGroups/rg" }
    location            = "westeurope"
    tags                = {}
    identity            = { id = "/i", client_id = "c" }
    subnet_id           = "/n"
    insights_connection = "InstrumentationKey=0"
    variables           = { AGENTCORE_BUS_URL = "servicebus://ns/runs" }
    secrets             = { OPENAI_API_KEY = "https://v/secrets/openai-api-key" }
    bus                 = { connection = "ServiceBus", host = "ns.servicebus.windows.net" }
    instances           = { least = 1, most = 6 }
  }
  assert {
    condition = { for one in azapi_resource.app.body.properties.siteConfig.appSettings : one.name => one.value } == {
      AGENTCORE_BUS_URL                         = "servicebus://ns/runs"
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING = "ClientId=c;Authorization=AAD"
      APPLICATIONINSIGHTS_CONNECTION_STRING     = "InstrumentationKey=0"
      AzureWebJobsStorage__accountName          = "agentcoredevabcde"
      AzureWebJobsStorage__clientId             = "c"
      AzureWebJobsStorage__credential           = "managedidentity"
      OPENAI_API_KEY                            = "@Microsoft.KeyVault(SecretUri=https://v/secrets/openai-api-key)"
      ServiceBus__clientId                      = "c"
      ServiceBus__credential                    = "managedidentity"
      ServiceBus__fullyQualifiedNamespace       = "ns.servicebus.windows.net"
    }
    error_message = "Bus, storage and telemetry by identity, secrets by reference, and no connection string."
  }
  assert {
    condition     = azapi_resource.app.body.properties.keyVaultReferenceIdentity == "/i" && azapi_resource.app.body.properties.httpsOnly
    error_message = "The app's identity reads the vault, and it answers over TLS only."
  }
  assert {
    condition     = azapi_resource.app.body.properties.functionAppConfig.scaleAndConcurrency.alwaysReady[0].instanceCount == 1 && azapi_resource.app.body.properties.functionAppConfig.scaleAndConcurrency.maximumInstanceCount == 6
    error_message = "Instances are as asked for."
  }
  assert {
    condition     = alltrue([for policy in azapi_update_resource.no_passwords : policy.body.properties.allow == false])
    error_message = "Nobody publishes with a password."
  }
}

run "event_hubs_without_a_key" {
  override_resource {
    target = module.functions[0].azapi_resource.app
    values = { output = { host = "agents.azurewebsites.net" } }
  }
  variables {
    bus = "eventhubs"
  }
  assert {
    condition     = !anytrue([for name in keys(azurerm_role_assignment.this) : strcontains(name, "SCALER")])
    error_message = "The Functions host scales by identity: there is no key."
  }
}
