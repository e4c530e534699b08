// What run ids travel through. It makes nothing where that is the database.

@description('How they travel.')
@allowed(['servicebus', 'eventhubs', 'store'])
param bus string
@description('Name of the namespace; 6 to 50 letters, digits and hyphens, unique in all Azure.')
@minLength(6)
@maxLength(50)
param name string
@description('Where it is.')
param location string
@description('Tags.')
param tags object
@description('AGENTCORE_BUS_ATTEMPTS, where the bus counts too.')
param attempts string
@description('Most workers at once.')
param maxWorkers int
@description('KEDA starts workers. Its Kafka scaler knows no identities, but a key.')
param scaled bool
@description('Object ids of the identities that send.')
param senders array
@description('Object ids of the identities that receive.')
param receivers array

module servicebus 'servicebus.bicep' = if (bus == 'servicebus') {
  name: 'servicebus'
  params: {
    name: name
    location: location
    tags: tags
    attempts: int(attempts)
    senders: senders
    receivers: receivers
  }
}

module eventhubs 'eventhubs.bicep' = if (bus == 'eventhubs') {
  name: 'eventhubs'
  params: {
    name: name
    location: location
    tags: tags
    partitions: min(32, max(2, maxWorkers)) // a worker without a partition has nothing to do
    scalerKey: scaled
    senders: senders
    receivers: receivers
  }
}

@description('AGENTCORE_BUS_URL.')
output url string = bus == 'servicebus' ? servicebus!.outputs.url : bus == 'eventhubs' ? eventhubs!.outputs.url : 'store://'
@description('Name of the namespace; empty: there is none.')
output namespaceName string = bus == 'servicebus'
  ? servicebus!.outputs.namespaceName
  : bus == 'eventhubs' ? eventhubs!.outputs.namespaceName : ''
@description('Resource id of the namespace; empty: there is none.')
output namespaceId string = bus == 'servicebus'
  ? servicebus!.outputs.namespaceId
  : bus == 'eventhubs' ? eventhubs!.outputs.namespaceId : ''
