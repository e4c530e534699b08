// Tells when a metric is above a number.

@description('Name.')
param name string
@description('Tags.')
param tags object
@description('What is looked at: description, namespace, metric, aggregation, above, dimension, value, severity and window.')
param alert object
@description('Resource id of what it is a metric of.')
param scopeId string
@description('Who is told; empty: nobody, and it is seen in the portal only.')
param actionGroupId string

resource rule 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    description: alert.description
    severity: alert.severity
    enabled: true
    scopes: [scopeId]
    evaluationFrequency: 'PT1M'
    windowSize: alert.window
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'above'
          metricNamespace: alert.namespace
          metricName: alert.metric
          timeAggregation: alert.aggregation
          operator: 'GreaterThan'
          threshold: alert.above
          skipMetricValidation: true // most metrics begin to exist with the first event
          dimensions: empty(alert.dimension) ? [] : [{ name: alert.dimension, operator: 'Include', values: [alert.value] }]
        }
      ]
    }
    actions: empty(actionGroupId) ? [] : [{ actionGroupId: actionGroupId }]
  }
}
