// PostgreSQL that only the virtual network reaches, and that knows no password: who signs in shows a token of Entra ID.
// The database in it is made by the migration, which is to own it.

@description('Name of the server; unique in all Azure.')
param name string
@description('Where it is.')
param location string
@description('Tags.')
param tags object
@description('Tier and size, as B_Standard_B1ms or GP_Standard_D2ds_v5.')
param size string
@description('Keep a standby in another zone.')
param highAvailability bool
@description('Lock it against deletion, and keep its backups for 35 days instead of 7.')
param deletionProtection bool
@description('Subnet that is delegated to it.')
param subnetId string
@description('Private DNS zone that its name is in.')
param zoneId string
@description('Name of the identity that migrates. It administers the server, and makes the roles of the others.')
param administratorName string
@description('Object id of that identity.')
param administratorId string

var tiers = { B: 'Burstable', GP: 'GeneralPurpose', MO: 'MemoryOptimized' }
var parts = split(size, '_')

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: join(skip(parts, 1), '_'), tier: tiers[first(parts)] }
  properties: {
    version: '17'
    storage: { storageSizeGB: 32, autoGrow: 'Enabled' }
    backup: { backupRetentionDays: deletionProtection ? 35 : 7, geoRedundantBackup: 'Disabled' }
    highAvailability: { mode: highAvailability ? 'ZoneRedundant' : 'Disabled' }
    network: {
      delegatedSubnetResourceId: subnetId
      privateDnsZoneArmResourceId: zoneId
      publicNetworkAccess: 'Disabled'
    }
    authConfig: { activeDirectoryAuth: 'Enabled', passwordAuth: 'Disabled', tenantId: tenant().tenantId }
  }
}

// The service begins with it; this makes it stay so.
resource tls 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2024-08-01' = {
  parent: server
  name: 'require_secure_transport'
  properties: { value: 'on', source: 'user-override' }
}

resource administrator 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2024-08-01' = {
  parent: server
  name: administratorId
  properties: {
    principalName: administratorName
    principalType: 'ServicePrincipal'
    tenantId: tenant().tenantId
  }
  dependsOn: [tls] // the server does one thing at a time
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (deletionProtection) {
  scope: server
  name: 'keep'
  properties: {
    level: 'CanNotDelete'
    notes: 'deletionProtection: deploy with false, or delete this lock, before you delete the server.'
  }
}

@description('Resource id.')
output id string = server.id
@description('Host, which only this network can find and reach.')
output host string = server.properties.fullyQualifiedDomainName
