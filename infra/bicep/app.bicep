// One version: its migration and preflight, and then what runs it. main.bicep deploys this; `azd deploy` does so alone,
// for a new image.

@description('The container image, with its registry, and a tag or a digest.')
param image string

@description('What main.bicep found out: its output of this name.')
param found object

@description('Not to be set: each deployment migrates.')
param now string = utcNow()

var functions = found.compute == 'functions'

module migration 'modules/migration.bicep' = {
  name: 'migration'
  params: {
    name: '${found.short}-migrate'
    location: found.location
    tags: found.tags
    environmentId: found.environmentId
    identityId: found.identities.migrate
    image: image
    registryServer: found.registryServer
    variables: found.environments.migrate
    members: found.members
    secretNames: found.secretNames
    vaultUrl: found.vaultUrl
    run: found.runMigration
    starter: found.starter
    tag: now
  }
}

module httpChat 'modules/http_chat.bicep' = if (!functions) {
  name: 'http-chat'
  params: {
    name: '${found.short}-chat'
    location: found.location
    tags: union(found.tags, { 'azd-service-name': 'agentcore' })
    environmentId: found.environmentId
    identityId: found.identities.http_chat
    image: image
    registryServer: found.registryServer
    variables: found.environments.http_chat
    secretNames: found.secretNames
    vaultUrl: found.vaultUrl
    minReplicas: found.minReplicas
    maxReplicas: found.maxReplicas
  }
  dependsOn: [migration]
}

// A bus starts workers; the database cannot. With bus = store one worker always runs, and more when it is busy.
module queueWorker 'modules/queue_worker.bicep' = if (!functions && found.bus != 'store') {
  name: 'queue-worker'
  params: {
    name: '${found.short}-worker'
    location: found.location
    tags: found.tags
    environmentId: found.environmentId
    identityId: found.identities.queue_worker
    image: image
    registryServer: found.registryServer
    variables: found.environments.queue_worker
    secretNames: found.secretNames
    vaultUrl: found.vaultUrl
    bus: found.bus
    busNamespace: found.busNamespace
    maxWorkers: found.maxWorkers
    workerSeconds: found.workerSeconds
    workerTimeout: found.workerTimeout
  }
  dependsOn: [migration]
}

module storeWorker 'modules/store_worker.bicep' = if (!functions && found.bus == 'store') {
  name: 'store-worker'
  params: {
    name: '${found.short}-worker'
    location: found.location
    tags: found.tags
    environmentId: found.environmentId
    identityId: found.identities.queue_worker
    image: image
    registryServer: found.registryServer
    variables: found.environments.queue_worker
    secretNames: found.secretNames
    vaultUrl: found.vaultUrl
    maxWorkers: found.maxWorkers
  }
  dependsOn: [migration]
}

module timerWakeup 'modules/timer_wakeup.bicep' = if (!functions) {
  name: 'timer-wakeup'
  params: {
    name: '${found.short}-timer'
    location: found.location
    tags: found.tags
    environmentId: found.environmentId
    identityId: found.identities.timer_wakeup
    image: image
    registryServer: found.registryServer
    variables: found.environments.timer_wakeup
    secretNames: found.secretSettings
    vaultUrl: found.vaultUrl
    schedule: found.wakeupSchedule
  }
  dependsOn: [migration]
}

module functionsApp 'modules/functions.bicep' = if (functions) {
  name: 'functions'
  params: {
    name: '${found.prefix}-${found.suffix}'
    storageName: '${take(replace(found.prefix, '-', ''), 18)}${found.suffix}'
    location: found.location
    tags: found.tags
    identityId: found.identities.functions
    clientId: found.functionsClientId
    principalId: found.functionsPrincipalId
    subnetId: found.functionsSubnetId
    insightsName: found.insightsName
    variables: found.environments.functions
    secretNames: found.secretNames
    vaultUrl: found.vaultUrl
    bus: found.bus
    busNamespace: found.busNamespace
    minReplicas: found.minReplicas
    maxInstances: found.maxReplicas + found.maxWorkers
  }
  dependsOn: [migration]
}

module errors 'modules/alert.bicep' = {
  name: 'alert-errors'
  params: {
    name: '${found.prefix}-errors'
    tags: found.tags
    alert: {
      description: 'The API answers with 5xx.'
      namespace: functions ? 'Microsoft.Web/sites' : 'Microsoft.App/containerApps'
      metric: functions ? 'Http5xx' : 'Requests'
      aggregation: 'Total'
      above: 5
      dimension: functions ? '' : 'statusCodeCategory'
      value: functions ? '' : '5xx'
      severity: 2
      window: 'PT5M'
    }
    scopeId: functions ? functionsApp!.outputs.id : httpChat!.outputs.id
    actionGroupId: found.actionGroupId
  }
}

var jobs = functions ? [] : found.bus == 'store' ? ['timer'] : ['timer', 'worker']

module failures 'modules/alert.bicep' = [for job in jobs: {
  name: 'alert-${job}-failed'
  params: {
    name: '${found.prefix}-${job}-failed'
    tags: found.tags
    alert: {
      description: 'Executions of ${job} fail.'
      namespace: 'Microsoft.App/jobs'
      metric: 'Executions'
      aggregation: 'Total'
      above: 3
      dimension: 'state'
      value: 'Failed'
      severity: 2
      window: 'PT15M'
    }
    scopeId: job == 'timer' ? timerWakeup!.outputs.id : queueWorker!.outputs.id
    actionGroupId: found.actionGroupId
  }
}]

// It keeps an app awake that would scale to zero: so only where one is awake anyway.
module answering 'modules/answering.bicep' = if (found.minReplicas > 0) {
  name: 'answering'
  params: {
    name: '${found.prefix}-answering'
    location: found.location
    tags: found.tags
    insightsName: found.insightsName
    url: '${functions ? functionsApp!.outputs.url : httpChat!.outputs.url}/healthz'
    actionGroupId: found.actionGroupId
  }
}

@description('Where the API answers.')
output url string = functions ? functionsApp!.outputs.url : httpChat!.outputs.url
