// What faults.bicep and calls.bicep call: this one is right.
param name string
param attempts int = 10
@allowed(['Standard', 'Premium'])
param sku string
param labels object = {}
@secure()
param password string = ''

resource bus 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: resourceGroup().location
  tags: labels
  sku: { name: sku }

  resource queue 'queues' = {
    name: empty(password) ? 'runs' : 'more'
    properties: { maxDeliveryCount: attempts }
  }
}

output url string = 'servicebus://${name}/runs'
