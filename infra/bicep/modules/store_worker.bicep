// The worker where the database is the bus: it cannot start anything, so one worker always runs.

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
@description('Most workers at once.')
@minValue(1)
@maxValue(300)
param maxWorkers int

var plain = [for item in items(variables): { name: item.key, value: item.value }]
var hidden = [for variable in secretNames: { name: variable, secretRef: toLower(replace(variable, '_', '-')) }]

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      maxInactiveRevisions: 10 // to roll back to
      registries: empty(registryServer) ? [] : [{ server: registryServer, identity: identityId }]
      secrets: [for variable in secretNames: {
        name: toLower(replace(variable, '_', '-'))
        keyVaultUrl: '${vaultUrl}secrets/${toLower(replace(variable, '_', '-'))}'
        identity: identityId
      }]
    }
    template: {
      terminationGracePeriodSeconds: 60 // it was seen to kill after 60 to 80 s, whatever was asked for
      scale: {
        minReplicas: 1
        maxReplicas: maxWorkers
        rules: [{ name: 'processor', custom: { type: 'cpu', metadata: { type: 'Utilization', value: '70' } } }]
      }
      containers: [
        {
          name: 'agentcore'
          image: image
          args: ['work']
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: concat(plain, hidden)
        }
      ]
    }
  }
}

@description('Resource id.')
output id string = app.id
