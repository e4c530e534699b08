# PostgreSQL that only the virtual network reaches, and that knows no password: who signs in shows a token of Entra ID.

variable "name" { type = string }
variable "resource_group_name" { type = string }
variable "location" { type = string }
variable "tags" { type = map(string) }
variable "size" { type = string }
variable "subnet_id" { type = string }
variable "zone_id" { type = string }
variable "high_availability" { type = bool }
variable "deletion_protection" { type = bool }

variable "administrator" {
  type        = object({ name = string, principal_id = string, tenant_id = string })
  description = "The managed identity that migrates. It makes the roles of the others: they are no administrators."
}

resource "azurerm_postgresql_flexible_server" "this" {
  name                          = var.name
  resource_group_name           = var.resource_group_name
  location                      = var.location
  version                       = "17"
  sku_name                      = var.size
  storage_mb                    = 32768
  auto_grow_enabled             = true
  backup_retention_days         = var.deletion_protection ? 35 : 7
  delegated_subnet_id           = var.subnet_id
  private_dns_zone_id           = var.zone_id
  public_network_access_enabled = false
  tags                          = var.tags

  authentication {
    active_directory_auth_enabled = true
    password_auth_enabled         = false
    tenant_id                     = var.administrator.tenant_id
  }

  dynamic "high_availability" {
    for_each = var.high_availability ? ["ZoneRedundant"] : []
    content {
      mode = high_availability.value
    }
  }

  lifecycle {
    # Azure chooses the zones, and swaps them when the standby takes over.
    ignore_changes = [zone, high_availability[0].standby_availability_zone]
    precondition {
      condition     = !var.high_availability || !startswith(var.size, "B_")
      error_message = "high_availability needs a database_size of the tier GP or MO: burstable servers have no standby."
    }
  }
}

resource "azurerm_postgresql_flexible_server_active_directory_administrator" "this" {
  resource_group_name = var.resource_group_name
  server_name         = azurerm_postgresql_flexible_server.this.name
  tenant_id           = var.administrator.tenant_id
  object_id           = var.administrator.principal_id
  principal_name      = var.administrator.name
  principal_type      = "ServicePrincipal"
}

# Encryption on the way is what the service starts with; this makes it stay so.
resource "azurerm_postgresql_flexible_server_configuration" "tls" {
  server_id = azurerm_postgresql_flexible_server.this.id
  name      = "require_secure_transport"
  value     = "on"
}

resource "azurerm_management_lock" "this" {
  count      = var.deletion_protection ? 1 : 0
  name       = "${var.name}-keep"
  scope      = azurerm_postgresql_flexible_server.this.id
  lock_level = "CanNotDelete"
  notes      = "deletion_protection of the deployment: the runs are in here."
}

output "id" { value = azurerm_postgresql_flexible_server.this.id }
output "host" { value = azurerm_postgresql_flexible_server.this.fqdn }

# What uses the database waits for who may make its roles.
output "name" {
  value      = "agentcore"
  depends_on = [azurerm_postgresql_flexible_server_active_directory_administrator.this]
}
