# Who may do what, and what is open to nobody.

mock_provider "azurerm" {}
# azapi is not mocked: Terraform cannot mock its ephemeral resources yet.

variables {
  image         = "agents:1.0.0"
  run_migration = false
  database_url  = "" # unset ephemeral variables make `terraform test` fail
  max_replicas  = 3
  max_workers   = 3
  secret_names  = ["OPENAI_API_KEY"]
  secrets       = { OPENAI_API_KEY = "sk-test" }
}

run "roles" {
  assert {
    condition     = toset(keys(azurerm_user_assigned_identity.this)) == toset(["http_chat", "queue_worker", "timer_wakeup", "migrate"])
    error_message = "Each function and the migration have an identity of their own."
  }
  assert {
    condition = toset([for grant in azurerm_role_assignment.this : grant.role_definition_name]) == toset([
      "AcrPull", "Azure Service Bus Data Receiver", "Azure Service Bus Data Sender", "Key Vault Secrets User",
    ])
    error_message = "No role but these four: to pull, to send, to receive, to read a secret."
  }
  assert {
    condition     = alltrue([for grant in azurerm_role_assignment.this : grant.scope != azurerm_resource_group.this.id])
    error_message = "No role is given on the whole resource group."
  }
  assert {
    condition     = [for name, grant in azurerm_role_assignment.this : name if strcontains(grant.role_definition_name, "Receiver")] == ["queue_worker receive-hub"]
    error_message = "Only the worker receives."
  }
  assert {
    condition     = length([for name in keys(azurerm_role_assignment.this) : name if startswith(name, "migrate ")]) == 2
    error_message = "The migration pulls its image and reads the one secret; it touches no bus."
  }
  assert {
    condition     = toset([for name in keys(azurerm_role_assignment.this) : name if strcontains(name, "OPENAI")]) == toset(["http_chat secret-OPENAI_API_KEY", "queue_worker secret-OPENAI_API_KEY", "migrate secret-OPENAI_API_KEY"])
    error_message = "The timer executes no agent, so it reads no secret of theirs."
  }
  assert {
    condition     = alltrue([for grant in azurerm_role_assignment.this : grant.principal_type == "ServicePrincipal"])
    error_message = "Rights are given to identities of the deployment, never to people."
  }
}

run "variables_have_no_secrets" {
  assert {
    condition     = output.environment_variables.http_chat.OPENAI_API_KEY == module.vault.references["OPENAI_API_KEY"]
    error_message = "A secret variable names its secret."
  }
  assert {
    condition     = !strcontains(jsonencode(output.environment_variables), "sk-test")
    error_message = "No output has a secret's value."
  }
  assert {
    condition = alltrue([for own in values(output.environment_variables) :
      can(regex("^postgresql://[a-z0-9-]+@.+sslmode=verify-full", own.AGENTCORE_DATABASE_URL))
    ])
    error_message = "The database's URL has a user and no password, and demands TLS with a certificate that fits."
  }
  assert {
    condition     = length(toset([for own in values(output.environment_variables) : own.AGENTCORE_DATABASE_URL])) == 4
    error_message = "Each signs in to the database as itself."
  }
  assert {
    condition     = [for name, own in output.environment_variables : name if can(own.AGENTCORE_DATABASE_GRANT)] == ["migrate"]
    error_message = "Only the migration gives rights in the database."
  }
}

run "the_database_is_private" {
  module { source = "./modules/database" }
  variables {
    name                = "db"
    resource_group_name = "rg"
    location            = "westeurope"
    tags                = {}
    size                = "GP_Standard_D2ds_v5"
    subnet_id           = "/subscriptions/0/subnet"
    zone_id             = "/subscriptions/0/zone"
    high_availability   = true
    deletion_protection = true
    administrator       = { name = "migrate", principal_id = "1", tenant_id = "2" }
  }
  assert {
    condition     = azurerm_postgresql_flexible_server.this.public_network_access_enabled == false && azurerm_postgresql_flexible_server.this.delegated_subnet_id == var.subnet_id
    error_message = "The database is in the virtual network and has no public address."
  }
  assert {
    condition     = azurerm_postgresql_flexible_server.this.authentication[0].password_auth_enabled == false && azurerm_postgresql_flexible_server.this.authentication[0].active_directory_auth_enabled
    error_message = "Nobody signs in with a password."
  }
  assert {
    condition     = azurerm_postgresql_flexible_server.this.administrator_login == null || azurerm_postgresql_flexible_server.this.administrator_password == null
    error_message = "There is no administrator with a password."
  }
  assert {
    condition     = azurerm_postgresql_flexible_server_configuration.tls.value == "on"
    error_message = "The database takes connections over TLS only."
  }
  assert {
    condition     = azurerm_postgresql_flexible_server.this.backup_retention_days == 35 && length(azurerm_management_lock.this) == 1
    error_message = "deletion_protection locks the database and keeps its backups."
  }
  assert {
    condition     = azurerm_postgresql_flexible_server.this.high_availability[0].mode == "ZoneRedundant"
    error_message = "The standby is in another zone."
  }
}

run "the_network_lets_in_the_functions_only" {
  module { source = "./modules/network" }
  variables {
    name                = "n"
    resource_group_name = "rg"
    location            = "westeurope"
    tags                = {}
    address_space       = "10.42.0.0/16"
    functions           = true
  }
  assert {
    condition     = azurerm_network_security_rule.postgresql.destination_port_range == "5432" && !contains(azurerm_network_security_rule.postgresql.source_address_prefixes, "*")
    error_message = "Only PostgreSQL's port is open, and not to everybody."
  }
  assert {
    condition     = azurerm_network_security_rule.nothing_else.access == "Deny" && azurerm_network_security_rule.nothing_else.priority > azurerm_network_security_rule.postgresql.priority
    error_message = "All else in the network is refused."
  }
  assert {
    condition = toset(azurerm_network_security_rule.postgresql.source_address_prefixes) == toset(concat(
      azurerm_subnet.apps.address_prefixes, azurerm_subnet.functions[0].address_prefixes, azurerm_subnet.database.address_prefixes
    ))
    error_message = "Those who may connect are the subnets that run something."
  }
}

run "secrets_are_in_the_vault_by_role" {
  module { source = "./modules/vault" }
  variables {
    name                = "v"
    resource_group_name = "rg"
    location            = "westeurope"
    tags                = {}
    deletion_protection = true
    writers             = []
    names               = ["OPENAI_API_KEY"]
    values              = { OPENAI_API_KEY = "sk-test" }
    values_version      = 7
  }
  assert {
    condition     = azurerm_key_vault.this.rbac_authorization_enabled && azurerm_key_vault.this.purge_protection_enabled
    error_message = "The vault goes by roles, and nobody may purge it."
  }
  assert {
    condition     = azurerm_key_vault_secret.this["OPENAI_API_KEY"].value == null && azurerm_key_vault_secret.this["OPENAI_API_KEY"].value_wo_version == 7
    error_message = "The state has no secret's value."
  }
  assert {
    condition     = [for role in azurerm_role_assignment.writers : role.role_definition_name] == ["Key Vault Secrets Officer"]
    error_message = "Who applies may write secrets, and nothing more."
  }
}

run "an_image_of_ones_own_registry_is_pulled_with_the_identity" {
  variables {
    image       = "acme.azurecr.io/agents:1.0.0"
    registry_id = "/subscriptions/0/resourceGroups/r/providers/Microsoft.ContainerRegistry/registries/acme"
  }
  assert {
    condition     = length(azurerm_container_registry.this) == 0 && azurerm_role_assignment.this["http_chat pull"].scope == var.registry_id
    error_message = "No registry is made, and the right to pull is on the given one."
  }
}

run "an_image_in_another_registry_of_azure" {
  variables {
    image = "acme.azurecr.io/agents:1.0.0"
  }
  expect_failures = [azurerm_container_registry.this]
}

run "a_public_image_needs_no_registry" {
  variables {
    image = "ghcr.io/acme/agents@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }
  assert {
    condition     = length(azurerm_container_registry.this) == 0 && !contains([for grant in azurerm_role_assignment.this : grant.role_definition_name], "AcrPull")
    error_message = "Nothing is made, and nobody may pull from anywhere."
  }
}
