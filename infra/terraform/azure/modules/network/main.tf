# A virtual network for the database and for those who may reach it. Nothing in it has a public address.

variable "name" { type = string }
variable "resource_group_name" { type = string }
variable "location" { type = string }
variable "tags" { type = map(string) }
variable "address_space" { type = string }

variable "functions" {
  type        = bool
  description = "Whether a Functions app needs a subnet of its own: it cannot share that of Container Apps."
}

locals {
  apps      = cidrsubnet(var.address_space, 7, 0)   # /23: an environment grows into it
  database  = cidrsubnet(var.address_space, 12, 32) # /28, the least that a server takes
  functions = cidrsubnet(var.address_space, 10, 12) # /26: an instance, an address
}

resource "azurerm_virtual_network" "this" {
  name                = var.name
  resource_group_name = var.resource_group_name
  location            = var.location
  address_space       = [var.address_space]
  tags                = var.tags
}

resource "azurerm_subnet" "apps" {
  name                 = "apps"
  resource_group_name  = var.resource_group_name
  virtual_network_name = azurerm_virtual_network.this.name
  address_prefixes     = [local.apps]
  delegation {
    name = "apps"
    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_subnet" "functions" {
  count                = var.functions ? 1 : 0
  name                 = "functions"
  resource_group_name  = var.resource_group_name
  virtual_network_name = azurerm_virtual_network.this.name
  address_prefixes     = [local.functions]
  delegation {
    name = "functions"
    service_delegation {
      name    = "Microsoft.App/environments" # also for Flex Consumption
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_subnet" "database" {
  name                 = "database"
  resource_group_name  = var.resource_group_name
  virtual_network_name = azurerm_virtual_network.this.name
  address_prefixes     = [local.database]
  service_endpoint {
    service = "Microsoft.Storage" # where the server archives its log
  }
  delegation {
    name = "database"
    service_delegation {
      name    = "Microsoft.DBforPostgreSQL/flexibleServers"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_network_security_group" "database" {
  name                = "${var.name}-database"
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
}

resource "azurerm_network_security_rule" "postgresql" {
  name                        = "postgresql"
  resource_group_name         = var.resource_group_name
  network_security_group_name = azurerm_network_security_group.database.name
  priority                    = 100
  direction                   = "Inbound"
  access                      = "Allow"
  protocol                    = "Tcp"
  source_port_range           = "*"
  # Its own subnet too: a standby copies from the server there.
  source_address_prefixes    = concat([local.apps, local.database], var.functions ? [local.functions] : [])
  destination_port_range     = "5432"
  destination_address_prefix = local.database
}

resource "azurerm_network_security_rule" "nothing_else" {
  name                        = "nothing-else"
  resource_group_name         = var.resource_group_name
  network_security_group_name = azurerm_network_security_group.database.name
  priority                    = 4000
  direction                   = "Inbound"
  access                      = "Deny"
  protocol                    = "*"
  source_port_range           = "*"
  source_address_prefix       = "VirtualNetwork" # what Azure's own rules would let in
  destination_port_range      = "*"
  destination_address_prefix  = "*"
}

resource "azurerm_subnet_network_security_group_association" "database" {
  subnet_id                 = azurerm_subnet.database.id
  network_security_group_id = azurerm_network_security_group.database.id
}

resource "azurerm_private_dns_zone" "database" {
  name                = "${var.name}.private.postgres.database.azure.com"
  resource_group_name = var.resource_group_name
  tags                = var.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "database" {
  name                = var.name
  private_dns_zone_id = azurerm_private_dns_zone.database.id
  virtual_network_id  = azurerm_virtual_network.this.id
  tags                = var.tags
  depends_on          = [azurerm_subnet.database] # else the two change the network at once, and one is refused
}

output "apps_subnet_id" { value = azurerm_subnet.apps.id }
output "functions_subnet_id" { value = one(azurerm_subnet.functions[*].id) }

output "database_subnet_id" {
  value      = azurerm_subnet.database.id
  depends_on = [azurerm_subnet_network_security_group_association.database]
}

output "database_zone_id" {
  value      = azurerm_private_dns_zone.database.id
  depends_on = [azurerm_private_dns_zone_virtual_network_link.database]
}
