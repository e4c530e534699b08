// Who each function is, and who migrates and deploys: only that one may change tables.

@description('Names begin with it.')
param prefix string
@description('Where they are.')
param location string
@description('Tags of all.')
param tags object
@description('One app has all functions, and one identity.')
param functions bool
@description('A deployment script starts the migration.')
param script bool

module chat 'identity.bicep' = if (!functions) {
  name: 'identity-http-chat'
  params: { name: '${prefix}-http-chat', location: location, tags: tags }
}

module worker 'identity.bicep' = if (!functions) {
  name: 'identity-queue-worker'
  params: { name: '${prefix}-queue-worker', location: location, tags: tags }
}

module timer 'identity.bicep' = if (!functions) {
  name: 'identity-timer-wakeup'
  params: { name: '${prefix}-timer-wakeup', location: location, tags: tags }
}

module all 'identity.bicep' = if (functions) {
  name: 'identity-functions'
  params: { name: '${prefix}-functions', location: location, tags: tags }
}

module migrate 'identity.bicep' = {
  name: 'identity-migrate'
  params: { name: '${prefix}-migrate', location: location, tags: tags }
}

module starter 'identity.bicep' = if (script) {
  name: 'identity-starter'
  params: { name: '${prefix}-starter', location: location, tags: tags }
}

var allId = all!.outputs.principalId
var chatId = chat!.outputs.principalId
var workerId = worker!.outputs.principalId
var timerId = timer!.outputs.principalId
var migrateId = migrate.outputs.principalId

@description('Resource ids, by function.')
output ids object = functions
  ? { functions: all!.outputs.id, migrate: migrate.outputs.id }
  : {
      http_chat: chat!.outputs.id
      queue_worker: worker!.outputs.id
      timer_wakeup: timer!.outputs.id
      migrate: migrate.outputs.id
    }
@description('AZURE_CLIENT_ID, by function.')
output clientIds object = functions
  ? { functions: all!.outputs.clientId, migrate: migrate.outputs.clientId }
  : {
      http_chat: chat!.outputs.clientId
      queue_worker: worker!.outputs.clientId
      timer_wakeup: timer!.outputs.clientId
      migrate: migrate.outputs.clientId
    }
@description('Object ids of the functions, by the names that the database knows them by.')
output members object = functions
  ? { '${prefix}-functions': allId }
  : {
      '${prefix}-http-chat': chatId
      '${prefix}-queue-worker': workerId
      '${prefix}-timer-wakeup': timerId
    }
@description('With one app: its object id.')
output functionsId string = functions ? allId : ''
@description('Object ids of all functions: each sends to the bus.')
output senders array = functions ? [allId] : [chatId, workerId, timerId]
@description('Object ids of those that receive from the bus.')
output receivers array = [functions ? allId : workerId]
@description('Object ids of those that pull an image. A Functions app runs none.')
output pullers array = functions ? [migrateId] : [chatId, workerId, timerId, migrateId]
@description('Object ids of those that read every secret.')
output readers array = functions ? [allId, migrateId] : [chatId, workerId, migrateId]
@description('Object ids of those that read only what is a setting: the timer executes no agent.')
output settingsReaders array = functions ? [] : [timerId]
@description('Name of the one that migrates.')
output migrateName string = migrate.outputs.name
@description('Object id of the one that migrates.')
output migrateId string = migrateId
@description('The one that starts the migration; empty where you do.')
output starter object = script
  ? { id: starter!.outputs.id, clientId: starter!.outputs.clientId, principalId: starter!.outputs.principalId }
  : {}
