// The worker: a job that the bus starts. It takes what waits, and ends when nothing does or its time is up.

@description('Name; at most 32 characters.')
@maxLength(32)
param name string
@description('Where it is.')
param location string
@description('Tags.')
param tags object
@description('Resource id of the environment.')
param environmentId string
@description('Resource id of the identity that it is, and pulls its image with.')
param identityId string
@description('Image, with its registry.')
param image string
@description('Registry that the identity signs in to; empty: anybody may pull.')
param registryServer string
@description('The environment, by name.')
param variables object
@description('Variables whose values are in the vault.')
param secretNames array
@description('Address of the vault, with a slash at its end.')
param vaultUrl string
@description('The bus.')
@allowed(['servicebus', 'eventhubs'])
param bus string
@description('Name of its namespace.')
param busNamespace string
@description('Most workers at once.')
@minValue(1)
@maxValue(300)
param maxWorkers int
@description('Seconds after which a worker hands over: a slice, and a little.')
param workerSeconds int
@description('Seconds after which the platform ends it: more than workerSeconds.')
param workerTimeout int

var plain = [for item in items(variables): { name: item.key, value: item.value }]
var hidden = [for variable in secretNames: { name: variable, secretRef: toLower(replace(variable, '_', '-')) }]
var vaulted = [for variable in secretNames: {
  name: toLower(replace(variable, '_', '-'))
  keyVaultUrl: '${vaultUrl}secrets/${toLower(replace(variable, '_', '-'))}'
  identity: identityId
}]

// KEDA looks into the queue as the worker, which may read its length. Its Kafka scaler knows no identities, but a key:
// this one only lets it listen.
var waiting = {
  name: 'bus'
  type: 'azure-servicebus'
  metadata: { namespace: busNamespace, queueName: 'runs', messageCount: '1' }
  identity: identityId
}
var lagging = {
  name: 'bus'
  type: 'kafka'
  metadata: {
    bootstrapServers: '${busNamespace}.servicebus.windows.net:9093'
    topic: 'runs'
    consumerGroup: 'agentcore'
    lagThreshold: '1'
    sasl: 'plaintext'
    tls: 'enable'
  }
  auth: [
    { triggerParameter: 'username', secretRef: 'scaler-username' }
    { triggerParameter: 'password', secretRef: 'scaler-password' }
  ]
}

resource scaler 'Microsoft.EventHub/namespaces/eventhubs/authorizationRules@2024-01-01' existing = if (bus == 'eventhubs') {
  name: '${busNamespace}/runs/scaler'
}

resource job 'Microsoft.App/jobs@2025-01-01' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      triggerType: 'Event'
      eventTriggerConfig: {
        parallelism: 1
        replicaCompletionCount: 1
        scale: {
          minExecutions: 0
          maxExecutions: bus == 'eventhubs' ? min(32, maxWorkers) : maxWorkers
          pollingInterval: 10 // so long at most a run waits for a worker to be started
          rules: [bus == 'eventhubs' ? lagging : waiting]
        }
      }
      replicaTimeout: workerTimeout
      replicaRetryLimit: 0 // a run that was left is taken up by the next worker
      registries: empty(registryServer) ? [] : [{ server: registryServer, identity: identityId }]
      secrets: concat(vaulted, bus == 'eventhubs' ? [
        { name: 'scaler-username', value: '$ConnectionString' }
        { name: 'scaler-password', value: scaler!.listKeys().primaryConnectionString }
      ] : [])
    }
    template: {
      containers: [
        {
          name: 'agentcore'
          image: image
          args: ['work', '--drain', '--max-seconds', string(workerSeconds)]
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: concat(plain, hidden)
        }
      ]
    }
  }
}

@description('Resource id.')
output id string = job.id
