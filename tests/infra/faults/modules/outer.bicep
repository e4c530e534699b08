// What calls.bicep calls, and has a name that this one uses.
module queue 'queue.bicep' = {
  name: 'inner'
  params: { name: 'a', sku: 'Premium', password: '' }
}

output url string = queue.outputs.url
