// The bus: a Service Bus queue. There are no keys: who sends and who receives has an identity.

@description('Name of the namespace; 6 to 50 letters, digits and hyphens, unique in all Azure.')
@minLength(6)
@maxLength(50)
param name string
@description('Where it is.')
param location string
@description('Tags.')
param tags object
@description('AGENTCORE_BUS_ATTEMPTS: after so many agentcore puts a message aside, with the reason.')
@minValue(1)
param attempts int
@description('Object ids of the identities that send.')
param senders array
@description('Object ids of the identities that receive.')
param receivers array

var dataSender = '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
var dataReceiver = '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard' }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: namespace
  name: 'runs'
  properties: {
    lockDuration: 'PT1M' // held while a run is claimed, and 20 s more where that fails; not while it executes
    maxDeliveryCount: attempts + 10 // above ours, else Service Bus puts messages aside first, and without a reason
    deadLetteringOnMessageExpiration: true
  }
}

resource send 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for sender in senders: {
  scope: queue
  name: guid(queue.id, sender, dataSender)
  properties: {
    principalId: sender
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataSender)
  }
}]

resource receive 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for receiver in receivers: {
  scope: queue
  name: guid(queue.id, receiver, dataReceiver)
  properties: {
    principalId: receiver
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataReceiver)
  }
}]

@description('AGENTCORE_BUS_URL.')
output url string = 'servicebus://${namespace.name}/${queue.name}'
@description('Name of the namespace.')
output namespaceName string = namespace.name
@description('Resource id of the namespace.')
output namespaceId string = namespace.id
@description('Name of the queue.')
output queueName string = queue.name
