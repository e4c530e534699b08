// What faults.bicep calls: this one is right.
param name string
param attempts int = 10
@allowed(['Standard', 'Premium'])
param sku string
param labels object = {}

resource bus 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: resourceGroup().location
  tags: labels
  sku: { name: sku }

  resource queue 'queues' = {
    name: 'runs'
    properties: { maxDeliveryCount: attempts }
  }
}

output url string = 'servicebus://${name}/runs'
