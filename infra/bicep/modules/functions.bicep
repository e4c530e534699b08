// One Flex Consumption app with the three functions. Its code is deployed into it afterwards: docs/deploy/azure.md.

@description('Name; unique in all Azure.')
param name string
@description('Name of its storage; 3 to 24 lower-case letters and digits, unique in all Azure.')
@minLength(3)
@maxLength(24)
param storageName string
@description('Where it is.')
param location string
@description('Tags.')
param tags object
@description('Resource id of the identity that it is.')
param identityId string
@description('Client id of that identity.')
param clientId string
@description('Object id of that identity.')
param principalId string
@description('Subnet that it reaches the database from; empty: none.')
param subnetId string
@description('Application Insights component that it writes to.')
param insightsName string
@description('The environment, by name.')
param variables object
@description('Variables whose values are in the vault.')
param secretNames array
@description('Address of the vault, with a slash at its end.')
param vaultUrl string
@description('The bus that calls the worker.')
@allowed(['servicebus', 'eventhubs'])
param bus string
@description('Name of its namespace.')
param busNamespace string
@description('Instances that are always there for HTTP.')
@minValue(0)
param minReplicas int
@description('Most instances.')
@maxValue(1000)
param maxInstances int

var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b' // the host keeps its locks, its leases and the code there
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'
var trigger = bus == 'eventhubs' ? 'EventHubs' : 'ServiceBus'
var plain = [for item in items(variables): { name: item.key, value: item.value }]
var hidden = [for variable in secretNames: {
  name: variable
  value: '@Microsoft.KeyVault(SecretUri=${vaultUrl}secrets/${toLower(replace(variable, '_', '-'))})'
}]
var host = [
  { name: 'AzureWebJobsStorage__accountName', value: storage.name }
  { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
  { name: 'AzureWebJobsStorage__clientId', value: clientId }
  { name: '${trigger}__fullyQualifiedNamespace', value: '${busNamespace}.servicebus.windows.net' }
  { name: '${trigger}__credential', value: 'managedidentity' }
  { name: '${trigger}__clientId', value: clientId }
  { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: insights.properties.ConnectionString }
  { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${clientId};Authorization=AAD' }
]

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: storageName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: storage
  name: 'default'
}

resource code 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'code'
  properties: { publicAccess: 'None' }
}

resource keep 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, identityId, blobDataOwner)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataOwner)
  }
}

resource publish 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: insights
  name: guid(insights.id, identityId, metricsPublisher)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      appSettings: concat(host, plain, hidden)
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${code.name}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      runtime: { name: 'python', version: '3.13' }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: max(40, maxInstances) // 40 is the least that the plan takes
        alwaysReady: minReplicas > 0 ? [{ name: 'http', instanceCount: minReplicas }] : []
      }
    }
  }
  dependsOn: [keep, publish]
}

// Nobody publishes with a password.
resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

@description('Resource id.')
output id string = app.id
@description('Where it answers.')
output url string = 'https://${app.properties.defaultHostName}'
