// What a deployment does first: bring the database to the image's version, and ask whether what is parked would resume.
// A job of its own, with the rights of an owner of the tables; a script starts it and waits. Where it fails, the
// deployment ends, and what ran before still runs.

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
@description('With a managed database: who may use it, by name, and their object ids.')
param members object
@description('Variables whose values are in the vault.')
param secretNames array
@description('Address of the vault, with a slash at its end.')
param vaultUrl string
@description('Start it now, and wait for its end.')
param run bool
@description('With run: who starts it, as id, clientId and principalId.')
param starter object
@description('What differs from one deployment to the next.')
param tag string

var jobsOperator = 'b9a307c4-5aa3-4b52-ba60-2b17c136cd7b' // Container Apps Jobs Operator: read, start, stop
var timeout = 1800
var plain = [for item in items(variables): { name: item.key, value: item.value }]
var hidden = [for variable in secretNames: { name: variable, secretRef: toLower(replace(variable, '_', '-')) }]
var let = empty(members) ? [] : [{ name: 'DATABASE_MEMBERS', value: string(members) }]

resource job 'Microsoft.App/jobs@2025-01-01' = {
  name: name
  location: location
  tags: tags
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      triggerType: 'Manual'
      manualTriggerConfig: { parallelism: 1, replicaCompletionCount: 1 }
      replicaTimeout: timeout
      replicaRetryLimit: 0
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
          command: ['python', '-c', loadTextContent('../../terraform/azure/modules/migration/deploy.py')]
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: concat(plain, hidden, let)
        }
      ]
    }
  }
}

resource start 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (run) {
  scope: job
  name: guid(job.id, starter.id, jobsOperator)
  properties: {
    principalId: starter.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', jobsOperator)
  }
}

resource done 'Microsoft.Resources/deploymentScripts@2023-08-01' = if (run) {
  name: name
  location: location
  tags: tags
  kind: 'AzureCLI'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${starter.id}': {} } }
  properties: {
    azCliVersion: '2.77.0'
    scriptContent: '${loadTextContent('wait.sh')}\n${loadTextContent('../../terraform/azure/modules/migration/run.sh')}'
    environmentVariables: [
      { name: 'CLIENT_ID', value: starter.clientId }
      { name: 'JOB', value: job.name }
      { name: 'RESOURCE_GROUP', value: resourceGroup().name }
      { name: 'SUBSCRIPTION', value: subscription().subscriptionId }
      { name: 'TIMEOUT', value: string(timeout + 120) }
    ]
    forceUpdateTag: tag
    timeout: 'PT40M'
    cleanupPreference: 'OnSuccess' // after a failure its container and its log stay for a day
    retentionInterval: 'P1D'
  }
  dependsOn: [start]
}

@description('Name of the job.')
output name string = job.name
