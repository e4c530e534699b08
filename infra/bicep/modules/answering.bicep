// Asks from outside, every five minutes, whether the API answers, and tells when it does not.

@description('Name.')
param name string
@description('Where Application Insights is.')
param location string
@description('Tags.')
param tags object
@description('Application Insights component that keeps the answers.')
param insightsName string
@description('What is asked.')
param url string
@description('Who is told; empty: nobody, and it is seen in the portal only.')
param actionGroupId string

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource test 'Microsoft.Insights/webtests@2022-06-15' = {
  name: name
  location: location
  tags: union(tags, { 'hidden-link:${insights.id}': 'Resource' }) // how the portal finds the two together
  kind: 'standard'
  properties: {
    Name: name
    SyntheticMonitorId: name
    Kind: 'standard'
    Enabled: true
    Frequency: 300
    Timeout: 30
    RetryEnabled: true
    Locations: [{ Id: 'emea-nl-ams-azr' }, { Id: 'us-va-ash-azr' }, { Id: 'apac-sg-sin-azr' }]
    Request: { RequestUrl: url, HttpVerb: 'GET' }
    ValidationRules: { ExpectedHttpStatusCode: 200 }
  }
}

resource alert 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    description: 'The API does not answer from two of three places.'
    severity: 1
    enabled: true
    scopes: [test.id, insights.id]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: test.id
      componentId: insights.id
      failedLocationCount: 2
    }
    actions: empty(actionGroupId) ? [] : [{ actionGroupId: actionGroupId }]
  }
}
