# Key Vault. The values pass through Terraform and are neither in its plan nor in its state.

variable "name" { type = string }
variable "resource_group_name" { type = string }
variable "location" { type = string }
variable "tags" { type = map(string) }
variable "deletion_protection" { type = bool }

variable "writers" {
  type        = set(string)
  description = "Object ids of who may write. Empty: whoever applies this."
}

variable "names" {
  type        = set(string)
  description = "Environment variables that are secret."
}

variable "values" {
  type        = map(string)
  sensitive   = true
  ephemeral   = true
  description = "Their values."
}

variable "values_version" { type = number }

data "azurerm_client_config" "current" {}

locals {
  writers = length(var.writers) > 0 ? var.writers : toset([data.azurerm_client_config.current.object_id])
}

resource "azurerm_key_vault" "this" {
  name                       = var.name
  resource_group_name        = var.resource_group_name
  location                   = var.location
  tenant_id                  = data.azurerm_client_config.current.tenant_id
  sku_name                   = "standard"
  rbac_authorization_enabled = true
  purge_protection_enabled   = var.deletion_protection
  soft_delete_retention_days = 7
  tags                       = var.tags
}

resource "azurerm_role_assignment" "writers" {
  for_each             = local.writers
  scope                = azurerm_key_vault.this.id
  role_definition_name = "Key Vault Secrets Officer"
  principal_id         = each.value
}

resource "azurerm_key_vault_secret" "this" {
  for_each         = var.names
  key_vault_id     = azurerm_key_vault.this.id
  name             = lower(replace(each.value, "_", "-"))
  value_wo         = var.values[each.value]
  value_wo_version = var.values_version
  content_type     = "environment variable ${each.value}"
  depends_on       = [azurerm_role_assignment.writers]

  lifecycle {
    precondition {
      condition     = contains(keys(var.values), each.value)
      error_message = "${each.value} has no value: secret_names has it, and secrets has not."
    }
  }
}

output "uri" { value = azurerm_key_vault.this.vault_uri }

output "references" {
  description = "By variable: what names the newest version of its secret."
  value       = { for name, secret in azurerm_key_vault_secret.this : name => secret.versionless_id }
}

output "scopes" {
  description = "By variable: the resource id, for the right to read this one."
  value       = { for name, secret in azurerm_key_vault_secret.this : name => secret.resource_versionless_id }
}
