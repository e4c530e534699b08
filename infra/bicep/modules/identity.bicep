// Who one function is. What it may do, each module says where the thing is.

@description('Name: also that of its role in the database.')
param name string
@description('Where it is.')
param location string
@description('Tags.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Resource id.')
output id string = identity.id
@description('Name.')
output name string = identity.name
@description('AZURE_CLIENT_ID of the process.')
output clientId string = identity.properties.clientId
@description('Object id: what roles are given to.')
output principalId string = identity.properties.principalId
