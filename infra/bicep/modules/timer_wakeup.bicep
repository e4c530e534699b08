// The clock: a job that wakes what is due, and ends.

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
@description('When, as a cron expression of five fields, in UTC.')
param schedule string

var plain = [for item in items(variables): { name: item.key, value: item.value }]
var hidden = [for variable in secretNames: { name: variable, secretRef: toLower(replace(variable, '_', '-')) }]

resource job 'Microsoft.App/jobs@2025-01-01' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      triggerType: 'Schedule'
      scheduleTriggerConfig: { cronExpression: schedule, parallelism: 1, replicaCompletionCount: 1 }
      replicaTimeout: 300
      replicaRetryLimit: 0 // the next one does what this one did not
      registries: empty(registryServer) ? [] : [{ server: registryServer, identity: identityId }]
      secrets: [for variable in secretNames: {
        name: toLower(replace(variable, '_', '-'))
        keyVaultUrl: '${vaultUrl}secrets/${toLower(replace(variable, '_', '-'))}'
        identity: identityId
      }]
    }
    template: {
      containers: [
        {
          name: 'agentcore'
          image: image
          args: ['tick']
          resources: { cpu: json('0.25'), memory: '0.5Gi' }
          env: concat(plain, hidden)
        }
      ]
    }
  }
}

@description('Resource id.')
output id string = job.id
