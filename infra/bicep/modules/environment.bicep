// Where containers run: a Container Apps environment with its logs in the workspace.

@description('Name.')
param name string
@description('Where it is.')
param location string
@description('Tags.')
param tags object
@description('Subnet of the containers; empty: the platform\'s own network.')
param subnetId string
@description('Workspace that the logs go to.')
param workspaceName string

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: workspaceName
}

resource environment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: workspace.properties.customerId
        sharedKey: workspace.listKeys().primarySharedKey
      }
    }
    vnetConfiguration: empty(subnetId) ? null : { infrastructureSubnetId: subnetId, internal: false }
    workloadProfiles: [{ name: 'Consumption', workloadProfileType: 'Consumption' }]
  }
}

@description('Resource id.')
output id string = environment.id
