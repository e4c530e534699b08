// One secret of the vault, and who may read it.

@description('Name of the vault.')
param vaultName string
@description('The environment variable that it is.')
param variable string
@description('Its value.')
@secure()
param value string
@description('Object ids of the identities that read it.')
param readers array

var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: toLower(replace(variable, '_', '-'))
  properties: {
    value: value
    contentType: 'environment variable ${variable}'
  }
}

resource read 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for reader in readers: {
  scope: secret
  name: guid(secret.id, reader, secretsUser)
  properties: {
    principalId: reader
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
  }
}]
