// Where containers run: a Container Apps environment, with its logs in the workspace.

@description('Name.')
param name string
@description('Where it is.')
param location string
@description('Tags.')
param tags object
@description('Subnet of the containers; empty: the platform\'s own network.')
param subnetId string
@description('Resource id of the workspace that the logs go to.')
param workspaceId string

resource environment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: { destination: 'azure-monitor' } // log-analytics would hand the workspace's key to it
    vnetConfiguration: empty(subnetId) ? null : { infrastructureSubnetId: subnetId, internal: false }
    workloadProfiles: [{ name: 'Consumption', workloadProfileType: 'Consumption' }]
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: environment
  name: 'logs'
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'ContainerAppConsoleLogs', enabled: true }
      { category: 'ContainerAppSystemLogs', enabled: true }
    ]
  }
}

@description('Resource id.')
output id string = environment.id
