// Where logs and requests go, and who is told of alerts.

@description('Name.')
param prefix string
@description('Where it is.')
param location string
@description('Tags of everything.')
param tags object
@description('How long logs are kept.')
param retentionDays int
@description('Addresses of who is told of alerts.')
param emails array

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: prefix
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    features: { disableLocalAuth: true }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: prefix
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    RetentionInDays: retentionDays
    DisableLocalAuth: true // its connection string alone lets nobody write into it
  }
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emails)) {
  name: prefix
  location: 'global'
  tags: tags
  properties: {
    groupShortName: take(replace(prefix, '-', ''), 12)
    enabled: true
    emailReceivers: [for email in emails: { name: email, emailAddress: email, useCommonAlertSchema: true }]
  }
}

@description('Resource id of the workspace.')
output workspaceId string = workspace.id
@description('What queries call the workspace.')
output workspaceCustomerId string = workspace.properties.customerId
@description('Name of the Application Insights component.')
output insightsName string = insights.name
@description('Resource id of the action group; empty: nobody is told.')
output actionGroupId string = empty(emails) ? '' : people.id
