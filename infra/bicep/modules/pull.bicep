// Who may pull the image.

@description('Name of the registry.')
param registryName string
@description('Object ids of the identities that pull.')
param pullers array

var acrPull = '7f951dda-4ed3-4680-a7ca-43fe172d538d'

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: registryName
}

resource pull 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for puller in pullers: {
  scope: registry
  name: guid(registry.id, puller, acrPull)
  properties: {
    principalId: puller
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
  }
}]
