// The bus: an event hub by its Kafka endpoint, and one beside it for dead letters. There are no keys, only identities.

@description('Name of the namespace; 6 to 50 letters, digits and hyphens, unique in all Azure.')
@minLength(6)
@maxLength(50)
param name string
@description('Where it is.')
param location string
@description('Tags.')
param tags object
@description('Partitions: no more workers than these have work at a time. It cannot change: more need a new hub.')
@minValue(2)
@maxValue(32)
param partitions int
@description('Make a key for KEDA, whose Kafka scaler signs in with one, and with nothing else. It may only listen.')
param scalerKey bool
@description('Object ids of the identities that send.')
param senders array
@description('Object ids of the identities that receive, and send what nobody can use to the dead letters.')
param receivers array

var dataSender = '2b629674-e913-4c01-ae53-ef4638d8f975'
var dataReceiver = 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard', capacity: 1 } // Basic has no Kafka endpoint
  properties: {
    disableLocalAuth: !scalerKey
    minimumTlsVersion: '1.2'
  }
}

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: namespace
  name: 'runs'
  properties: {
    partitionCount: partitions
    retentionDescription: { cleanupPolicy: 'Delete', retentionTimeInHours: 24 }
  }
}

resource dead 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: namespace
  name: 'runs-dead'
  properties: {
    partitionCount: 1
    retentionDescription: { cleanupPolicy: 'Delete', retentionTimeInHours: 168 } // somebody has to look first
  }
}

resource scaler 'Microsoft.EventHub/namespaces/eventhubs/authorizationRules@2024-01-01' = if (scalerKey) {
  parent: hub
  name: 'scaler'
  properties: { rights: ['Listen'] }
}

resource send 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for sender in senders: {
  scope: hub
  name: guid(hub.id, sender, dataSender)
  properties: {
    principalId: sender
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataSender)
  }
}]

resource receive 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for receiver in receivers: {
  scope: hub
  name: guid(hub.id, receiver, dataReceiver)
  properties: {
    principalId: receiver
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataReceiver)
  }
}]

resource bury 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for receiver in receivers: {
  scope: dead
  name: guid(dead.id, receiver, dataSender)
  properties: {
    principalId: receiver
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataSender)
  }
}]

@description('AGENTCORE_BUS_URL.')
output url string = 'eventhubs://${namespace.name}/${hub.name}'
@description('Name of the namespace.')
output namespaceName string = namespace.name
@description('Resource id of the namespace.')
output namespaceId string = namespace.id
@description('Name of the hub.')
output queueName string = hub.name
