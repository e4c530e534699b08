// Key Vault: what is secret. Each secret says by itself who may read it.

@description('Name; 3 to 24 letters, digits and hyphens, unique in all Azure.')
@maxLength(24)
param name string
@description('Where it is.')
param location string
@description('Tags.')
param tags object
@description('Nobody can purge what was deleted, for as long as it is kept. It cannot be switched off again.')
param deletionProtection bool
@description('Names of the variables that are secret.')
param secretNames array
@description('Values of those variables, by name.')
@secure()
param secrets object
@description('Object ids of the identities that read them.')
param readers array
@description('Object ids of the identities that read only those that are settings: AGENTCORE_….')
param settingsReaders array

var settings = filter(secretNames, variable => startsWith(variable, 'AGENTCORE_'))

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    enablePurgeProtection: deletionProtection ? true : null // it is on or not there: false is refused
  }
}

module secret 'secret.bicep' = [for variable in secretNames: {
  name: 'secret-${toLower(replace(variable, '_', '-'))}'
  params: {
    vaultName: vault.name
    variable: variable
    value: secrets[variable]
    readers: startsWith(variable, 'AGENTCORE_') ? concat(readers, settingsReaders) : readers
  }
}]

var address = '${vault.properties.vaultUri}secrets/'

@description('Address of the vault, with a slash at its end.')
output url string = vault.properties.vaultUri
@description('The variables that are secret, each with what names its newest version. These are addresses, not values.')
output references object = toObject(secretNames, variable => variable, variable => '${address}${toLower(replace(variable, '_', '-'))}')
@description('Those of them that are settings.')
output settingReferences object = toObject(settings, variable => variable, variable => '${address}${toLower(replace(variable, '_', '-'))}')
