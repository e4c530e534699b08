# Where logs and requests go.

variable "name" { type = string }
variable "resource_group_name" { type = string }
variable "location" { type = string }
variable "tags" { type = map(string) }
variable "retention_days" { type = number }

resource "azurerm_log_analytics_workspace" "this" {
  name                         = var.name
  resource_group_name          = var.resource_group_name
  location                     = var.location
  sku                          = "PerGB2018"
  retention_in_days            = var.retention_days
  local_authentication_enabled = false # its keys are in Terraform's state: they open nothing
  tags                         = var.tags
}

resource "azurerm_application_insights" "this" {
  name                         = var.name
  resource_group_name          = var.resource_group_name
  location                     = var.location
  workspace_id                 = azurerm_log_analytics_workspace.this.id
  application_type             = "web"
  retention_in_days            = var.retention_days
  local_authentication_enabled = false # its connection string alone lets nobody write into it
  tags                         = var.tags
}

output "workspace_id" { value = azurerm_log_analytics_workspace.this.id }
output "insights_id" { value = azurerm_application_insights.this.id }
output "insights_connection" { value = azurerm_application_insights.this.connection_string }
