// A virtual network for the database and for those who may reach it. Nothing in it has a public address.

@description('Name; those of what belongs to it begin with it.')
param prefix string
@description('Where it is.')
param location string
@description('Tags of everything.')
param tags object
@description('Its addresses: an IPv4 range with /16.')
param addressSpace string

var apps = cidrSubnet(addressSpace, 23, 0) // an environment grows into it
var database = cidrSubnet(addressSpace, 28, 32) // the least that a server takes
var functions = cidrSubnet(addressSpace, 26, 12) // an instance, an address

resource onlyPostgres 'Microsoft.Network/networkSecurityGroups@2024-07-01' = {
  name: '${prefix}-database'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'postgresql'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourcePortRange: '*'
          sourceAddressPrefixes: [apps, functions, database] // its own too: a standby copies from the server there
          destinationPortRange: '5432'
          destinationAddressPrefix: database
        }
      }
      {
        name: 'nothing-else'
        properties: {
          priority: 4000
          direction: 'Inbound'
          access: 'Deny'
          protocol: '*'
          sourcePortRange: '*'
          sourceAddressPrefix: 'VirtualNetwork' // what Azure's own rules would let in
          destinationPortRange: '*'
          destinationAddressPrefix: '*'
        }
      }
    ]
  }
}

// The subnets stand in the network: declared beside it, a deployment would take them out and put them in again.
resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: prefix
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressSpace] }
    subnets: [
      {
        name: 'apps'
        properties: {
          addressPrefix: apps
          delegations: [{ name: 'apps', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'functions' // a Flex Consumption app has the same delegation, and shares its subnet with nothing
        properties: {
          addressPrefix: functions
          delegations: [{ name: 'functions', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'database'
        properties: {
          addressPrefix: database
          networkSecurityGroup: { id: onlyPostgres.id }
          serviceEndpoints: [{ service: 'Microsoft.Storage' }] // where the server archives its log
          delegations: [{ name: 'database', properties: { serviceName: 'Microsoft.DBforPostgreSQL/flexibleServers' } }]
        }
      }
    ]
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: '${prefix}.private.postgres.database.azure.com'
  location: 'global'
  tags: tags
}

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = {
  parent: zone
  name: prefix
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: network.id }
  }
}

@description('Subnet of the Container Apps environment.')
output appsSubnetId string = '${network.id}/subnets/apps'
@description('Subnet of the Functions app.')
output functionsSubnetId string = '${network.id}/subnets/functions'
@description('Subnet of the database.')
output databaseSubnetId string = '${network.id}/subnets/database'
@description('Private DNS zone of the database.')
output databaseZoneId string = zone.id
