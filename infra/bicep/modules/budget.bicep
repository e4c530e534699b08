// Tells when the month's costs of the resource group come near what was planned.

@description('Name.')
param name string
@description('Costs of a month, in the currency that you are billed in.')
@minValue(1)
param amount int
@description('First day of the month that it began in, as in 2027-03-01. It cannot be changed.')
param startDate string
@description('Who is told. Without anybody, the owners of the resource group.')
param emails array

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: { startDate: startDate }
    notifications: {
      Actual: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: emails
        contactRoles: empty(emails) ? ['Owner'] : []
      }
      Forecasted: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: emails
        contactRoles: empty(emails) ? ['Owner'] : []
      }
    }
  }
}
