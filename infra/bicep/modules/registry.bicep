// The image's registry. Who pulls signs in with an identity: there is no admin user and no password.

@description('Name; letters and digits, unique in all Azure.')
param name string
@description('Where it is.')
param location string
@description('Tags.')
param tags object

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Basic' }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
  }
}

@description('Name.')
output name string = registry.name
@description('Host of its images.')
output server string = registry.properties.loginServer
