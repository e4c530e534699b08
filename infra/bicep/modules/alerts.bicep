// Alerts of what is there all the time. Those of the functions themselves are in app.bicep.

@description('Names begin with it.')
param prefix string
@description('Tags of all.')
param tags object
@description('How run ids travel.')
@allowed(['servicebus', 'eventhubs', 'store'])
param bus string
@description('Resource id of the namespace of the bus; empty: there is none.')
param busId string
@description('There is a managed database.')
param managed bool
@description('Resource id of that database.')
param databaseId string
@description('Connections that it has for us.')
param connections int
@description('Resource id of the action group; empty: nobody is told.')
param actionGroupId string

var deadLetters = {
  name: 'dead-letters'
  of: 'bus'
  description: 'A message that nobody could use was put aside, with the reason: docs/buses.md.'
  namespace: bus == 'eventhubs' ? 'Microsoft.EventHub/namespaces' : 'Microsoft.ServiceBus/namespaces'
  metric: bus == 'eventhubs' ? 'IncomingMessages' : 'DeadletteredMessages'
  aggregation: bus == 'eventhubs' ? 'Total' : 'Maximum'
  above: 0
  dimension: 'EntityName'
  value: bus == 'eventhubs' ? 'runs-dead' : 'runs' // Service Bus has its dead letters in the queue
  severity: 1
  window: 'PT5M'
}
var waiting = {
  name: 'waiting'
  of: 'bus'
  description: 'Messages wait and nobody takes them: workers do not start, or there are too few. docs/deploy/azure.md.'
  namespace: 'Microsoft.ServiceBus/namespaces'
  metric: 'ActiveMessages'
  aggregation: 'Minimum'
  above: 0
  dimension: 'EntityName'
  value: 'runs'
  severity: 1
  window: 'PT15M'
}
var storage = {
  name: 'storage'
  of: 'database'
  description: 'The disk of the database is nearly full. It grows by itself, up to what its size allows.'
  namespace: 'Microsoft.DBforPostgreSQL/flexibleServers'
  metric: 'storage_percent'
  aggregation: 'Average'
  above: 85
  dimension: ''
  value: ''
  severity: 2
  window: 'PT5M'
}
var crowded = {
  name: 'connections'
  of: 'database'
  description: 'The database has hardly a connection left: take a larger databaseSize.'
  namespace: 'Microsoft.DBforPostgreSQL/flexibleServers'
  metric: 'active_connections'
  aggregation: 'Maximum'
  above: connections * 9 / 10
  dimension: ''
  value: ''
  severity: 2
  window: 'PT5M'
}
var standing = concat(bus == 'store' ? [] : [deadLetters], bus == 'servicebus' ? [waiting] : [], managed ? [storage, crowded] : [])

module alert 'alert.bicep' = [for one in standing: {
  name: 'alert-${one.name}'
  params: {
    name: '${prefix}-${one.name}'
    tags: tags
    alert: one
    scopeId: one.of == 'database' ? databaseId : busId
    actionGroupId: actionGroupId
  }
}]
