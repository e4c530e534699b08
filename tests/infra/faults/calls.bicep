// Faults of calls: what is passed and read, where it goes, and what is known when.
targetScope = 'subscription'
@secure()
param dbSecret string
@secure()
param pinCode int //! pinCode: only a string or an object can be secure
@allowed(['Standard', 'Premium', 'Basic'])
param sku string
param busy bool
var connection = 'key=${dbSecret}'
var ready = right.outputs.url == 'x'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'agents'
  location: 'westeurope'
}

module right 'modules/queue.bicep' = {
  scope: group
  name: 'right'
  params: { name: empty(dbSecret) ? 'none' : 'some', sku: 'Premium', password: connection }
}
module perhaps 'modules/queue.bicep' = if (busy) {
  scope: group
  name: 'right' //! perhaps: right is called right too
  params: { name: 'a', sku: 'Premium', password: '' }
}
module nowhere 'modules/queue.bicep' = { //! nowhere deploys to another scope, resourceGroup: say which
  name: 'nowhere'
  params: { name: 'a', sku: 'Premium', password: '' }
}
module elsewhere 'modules/queue.bicep' = {
  scope: subscription('0') //! elsewhere: its file is for the scope resourceGroup, not subscription
  params: { name: 'a', sku: 'Premium', password: '' }
}
module typed 'modules/queue.bicep' = {
  scope: group
  params: {
    name: busy && sku == 'Basic' //! name: string expected, not bool
    attempts: busy ? 3 : right.outputs.url //! attempts: int expected, not string
    labels: busy ? '' : perhaps!.outputs.url //! labels: object expected, not string
    sku: sku //! sku: 'Basic' is not one of Standard, Premium
    password: ''
  }
}
module leaks 'modules/queue.bicep' = {
  scope: group
  params: {
    name: dbSecret //! name is not @secure(), and shows dbSecret
    labels: { a: connection } //! labels is not @secure(), and shows dbSecret
    sku: 'Premium'
    password: group.listKeys().key
  }
}
module late 'modules/queue.bicep' = if (ready) { //! late: its condition has to be known at the beginning, and right.outputs.url is not
  scope: resourceGroup(right.outputs.url) //! late: its scope has to be known at the beginning, and right.outputs.url is not
  name: '${right.outputs.url}-late' //! late: its name has to be known at the beginning, and right.outputs.url is not
  params: { name: 'a', sku: 'Premium', password: '' }
}
module each 'modules/queue.bicep' = [for one in split(right.outputs.url, ','): { //! each: its loop has to be known at the beginning
  scope: group
  params: { name: one, sku: 'Premium', password: '' }
}]
module waits 'modules/queue.bicep' = {
  scope: group
  params: { name: ready ? 'a' : 'b', sku: 'Premium', password: '' }
  dependsOn: [right, perhaps] //! dependsOn: waits reads right anyway
}
module hidden 'modules/queue.bicep' = {
  scope: group
  params: union({ sku: 'Premium' }, { name: 'a' }) //! hidden: write its parameters out
}
module outer 'modules/outer.bicep' = {
  scope: group
  name: 'inner' //! outer: one that it calls is called inner too
}
module around 'modules/around.bicep' = { scope: group }

output unsure string = perhaps.outputs.url //! perhaps is not always there: perhaps!.outputs.url
output lost string = busy ? '' : right.outputs.uri //! modules/queue.bicep has no output uri; url?
output many string = each[0].outputs.uri //! modules/queue.bicep has no output uri; url?
output properties string = typed.properties.url //! of typed only outputs can be read, not properties
output told string = '${connection}${pinCode}${leaks.name}${late.name}' //! output told shows dbSecret, pinCode
output keys string = group.listKeys().key //! output keys shows group.listKeys
output wrong int = busy ? 1 : empty(sku) ? 2 : right.outputs.url //! wrong: int expected, not string
output rest array = [nowhere.name, elsewhere.name, waits.name, hidden.name, outer.name, around.name]
