// The API: a container app that the internet reaches. The old revision answers until the new one does.

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
@description('Least replicas. 0: the first caller waits for a start.')
@minValue(0)
param minReplicas int
@description('Most replicas.')
@minValue(1)
@maxValue(300)
param maxReplicas int

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
      ingress: {
        external: true
        allowInsecure: false
        targetPort: 8000
        transport: 'auto'
        traffic: [{ latestRevision: true, weight: 100 }]
      }
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
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: [{ name: 'requests', http: { metadata: { concurrentRequests: '50' } } }]
      }
      containers: [
        {
          name: 'agentcore'
          image: image
          command: ['uvicorn']
          args: [
            'http_chat.asgi:app'
            '--host'
            '0.0.0.0'
            '--port'
            '8000'
            '--no-access-log'
            '--no-server-header'
            '--timeout-graceful-shutdown'
            '20'
          ]
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: concat(plain, hidden)
          // It listens once the database has answered. Later only whether the process lives is asked: /readyz would take
          // every replica away when the bus is, and runs are accepted without.
          probes: [
            { type: 'Startup', httpGet: { path: '/healthz', port: 8000 }, periodSeconds: 3, failureThreshold: 20 }
            { type: 'Readiness', httpGet: { path: '/healthz', port: 8000 }, periodSeconds: 5, timeoutSeconds: 3 }
            { type: 'Liveness', httpGet: { path: '/healthz', port: 8000 }, periodSeconds: 15, timeoutSeconds: 5 }
          ]
        }
      ]
    }
  }
}

@description('Where it answers.')
output url string = 'https://${app.properties.configuration.ingress.fqdn}'
@description('Resource id.')
output id string = app.id
