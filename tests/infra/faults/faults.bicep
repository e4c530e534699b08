// Faults, each with what must be said of it. The line is the one that the message names.
param location string = resourceGroup().location
param image string //! param image is not used
param size int
param dbPassword string //! dbPassword is a secret by its name
@secure()
param key string = 'abc' //! key is secret and has a default
var prefix = toLowr('Agents') //! there is no function toLowr; toLower?
var prefix = 'agents' //! prefix is declared twice

resource bus 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: prefix
  location: location
  sku: { name: 'Standrad' } //! 'Standrad' is not one of
  properties: {
    minimumTlsVersion: 12 //! string expected, not int
    status: 'Active' //! 'status' is read-only
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: bus
  name: 'runs'
  properties: {
    lockDurations: 'PT1M' //! there is no 'lockDurations'; 'lockDuration'?
    maxDeliveryCount: 'ten' //! int expected, not string
    requiresSession: size //! bool expected, not int
    deadLetteringOnMessageExpiration: deadLetters //! nothing is called deadLetters
  }
}

resource old 'Microsoft.ServiceBus/namespaces@2021-11-01' existing = { name: prefix } //! only its version 2024-01-01
resource odd 'Microsoft.ServiceBuss/namespaces@2024-01-01' = { name: 'x' } //! there is no type

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = { //! 'properties' is missing
  name: 'agents'
  location: old.location
}

resource script 'Microsoft.Resources/deploymentScripts@2023-08-01' = {
  name: odd.name
  location: location
  kind: 'AzureShell' //! kind is not one of AzureCLI, AzurePowerShell
  properties: {}
}

module right 'modules/queue.bicep' = {
  params: { name: script.name, sku: 'Premium' }
}
module wrong 'modules/queue.bicep' = { //! queue.bicep needs its parameter name
  params: {
    attempts: '3' //! attempts: int expected, not string
    sku: 'Basic' //! sku: 'Basic' is not one of Standard, Premium
    color: 'red' //! queue.bicep has no parameter color
  }
}
module lost 'modules/topic.bicep' = {} //! there is no file modules/topic.bicep

output uri string = right.outputs.uri //! modules/queue.bicep has no output uri; url?
output host string = vault.properties.vaultUrl //! Microsoft.KeyVault/vaults has no properties.vaultUrl
output secret string = '${key}${dbPassword}${wrong.name}${lost.name}' //! output secret shows key
