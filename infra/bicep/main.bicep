// agentcore on Azure: docs/deploy/bicep.md. The same parameters as Terraform's variables (infra/terraform/azure).
//
// Here is what stays from one version of the image to the next. What a version is made of is in app.bicep.
targetScope = 'subscription'

@description('What the resources are called: NAME-ENVIRONMENT-…: lower-case letters, digits and single hyphens; begins with a letter.')
@minLength(3)
@maxLength(20)
param name string = 'agentcore'

@description('Which of several deployments this is: dev, staging, production. Lower-case letters and digits.')
@minLength(2)
@maxLength(10)
param environment string = 'dev'

@description('The Azure region, as `az account list-locations -o table` names it.')
param region string = 'westeurope'

@description('The container image, with a tag or a digest. Without a registry\'s host (agents:1.4.0), or with an Azure registry\'s, it is in the one made here. Empty: make all but what needs it.')
param image string = ''

@description('Resource id of the Azure Container Registry that `image` names, where that is not the one made here.')
param registryId string = ''

@description('The module that registers your agents (AGENTCORE_AGENTS).')
@minLength(1)
param agents string = 'agentcore.agents'

@description('Model for agents that name none (AGENTCORE_MODEL).')
param model string = ''

@description('managed: a PostgreSQL Flexible Server. external: what databaseUrl names.')
@allowed(['managed', 'external'])
param database string = 'managed'

@description('With database = external: postgresql://… or cockroachdb://…, with user and password.')
@secure()
param databaseUrl string = ''

@description('SKU of the managed server: its tier (B, GP or MO) and its size, as B_Standard_B1ms or GP_Standard_D2ds_v5.')
param databaseSize string = 'B_Standard_B1ms'

@description('Keep a standby of the database in another zone. Needs a databaseSize of the tier GP or MO, and doubles what it costs.')
param highAvailability bool = false

@description('Addresses of the virtual network that the database is in: an IPv4 range with /16.')
param addressSpace string = '10.42.0.0/16'

@description('How run ids travel: servicebus, eventhubs, or store (the database itself).')
@allowed(['servicebus', 'eventhubs', 'store'])
param bus string = 'servicebus'

@description('container_apps: an app and jobs. functions: one Flex Consumption app.')
@allowed(['container_apps', 'functions'])
param compute string = 'container_apps'

@description('How callers show who they are (AGENTCORE_AUTH). The API is on the internet, so none is not taken.')
@allowed(['keys', 'oidc', 'keys,oidc'])
param auth string = 'keys'

@description('With auth = oidc: the issuer, as its discovery document has it (AGENTCORE_OIDC_ISSUER).')
param oidcIssuer string = ''

@description('With auth = oidc: what tokens are meant for (AGENTCORE_OIDC_AUDIENCE).')
param oidcAudience string = ''

@description('Environment variables that are secret, by their names, such as OPENAI_API_KEY. They go to Key Vault.')
@secure()
param secrets object = {}

@description('The names in `secrets`: which there are is no secret.')
param secretNames array = []

@description('Further environment variables, such as AGENTCORE_LOG_LEVEL (docs/settings.md).')
param settings object = {}

@description('When timer_wakeup looks for what is due: a cron expression of five fields, in UTC.')
@minLength(9)
param wakeupSchedule string = '* * * * *'

@description('Least instances of http_chat. 0: it costs nothing while nobody calls, and the first caller waits for its start.')
@minValue(0)
@maxValue(300)
param minReplicas int = 0

@description('Most instances of http_chat.')
@minValue(1)
@maxValue(300)
param maxReplicas int = 10

@description('Most instances of queue_worker.')
@minValue(1)
@maxValue(300)
param maxWorkers int = 10

@description('Longest slice of a run (AGENTCORE_SLICE_SECONDS). Time limits of jobs follow from it.')
@minValue(60)
@maxValue(3600)
param sliceSeconds int = 600

@description('Tell when the resource group\'s costs of a month reach 80 % of it. 0: no budget. Azure counts in the currency that you are billed in.')
@minValue(0)
param budgetMonthlyUsd int = 50

@description('First day of the month in which the budget began, as in 2027-03-01; empty: this month. Azure lets nobody change it later.')
param budgetStart string = ''

@description('Who is told of alerts. Without any they are only seen in the portal, and the budget tells the owners.')
param alertEmails array = []

@description('How long logs are kept, in days.')
@allowed([30, 60, 90, 120, 180, 270, 365, 550, 730])
param retentionDays int = 30

@description('Lock the database against deletion, keep its backups for 35 days instead of 7, and let nobody purge what was deleted from the vault.')
param deletionProtection bool = false

@description('Run the migration and the preflight in this deployment, before anything new takes traffic. false: you do it, with the output migrateCommand.')
param runMigration bool = true

@description('Tags of all resources.')
param tags object = {}

@description('Not to be set: when this deployment began.')
param now string = utcNow('yyyy-MM-ddTHH:mm:ssZ')

var prefix = '${name}-${environment}'
var cut = take(prefix, 22)
var short = endsWith(cut, '-') ? take(cut, 21) : cut // Container Apps takes names of 31 characters
var suffix = take(uniqueString(subscription().id, prefix, region), 6) // for what has to be unique in all Azure
var functions = compute == 'functions'
var managed = database == 'managed'

// What has to be right before anything is made. fail() ends the deployment with its sentence.
var problems = concat(
  functions && bus == 'store' ? ['compute = functions needs a bus that calls functions: set bus to servicebus or eventhubs.'] : [],
  functions && wakeupSchedule != '* * * * *' ? ['wakeupSchedule: with compute = functions the timer is in the code (functions/timer_wakeup), every minute.'] : [],
  functions && sliceSeconds != 600 ? ['sliceSeconds: with compute = functions a slice is as long as functionTimeout in functions/host.json, 600.'] : [],
  minReplicas > maxReplicas ? ['minReplicas must not be more than maxReplicas.'] : [],
  contains(auth, 'oidc') && (empty(oidcIssuer) || empty(oidcAudience)) ? ['auth = oidc needs oidcIssuer and oidcAudience.'] : [],
  !managed && empty(databaseUrl) ? ['database = external needs databaseUrl.'] : [],
  empty(databaseUrl) || startsWith(databaseUrl, 'postgresql://') || startsWith(databaseUrl, 'cockroachdb://')
    ? []
    : ['databaseUrl must begin with postgresql:// or cockroachdb://.'],
  managed && !empty(databaseUrl) ? ['databaseUrl is for database = external: set that, or take databaseUrl away.'] : [],
  highAvailability && startsWith(databaseSize, 'B_')
    ? ['highAvailability needs a databaseSize of the tier GP or MO: burstable servers have no standby.']
    : [],
  managed && pool < 1 ? ['databaseSize has too few connections for maxReplicas and maxWorkers: each needs two. Take B_Standard_B2s, or fewer of them.'] : [],
  endsWith(image, ':latest') ? ['image must not be latest: a deployment and its rollback have to name what they run.'] : [],
  !empty(registryId) && named && !azures
    ? ['registryId is an Azure registry, and image names another one: begin image with NAME.azurecr.io/, or take registryId away.']
    : [],
  map(intersection(objectKeys(settings), taken), setting => 'settings must not have ${setting}: there is a parameter for it.'),
  map(intersection(objectKeys(settings), concat(secretOnes, secretNames)), setting => 'settings must not have ${setting}: put it into secrets and secretNames.'),
  map(
    filter(secretNames, variable => empty(secrets[?variable] ?? '')),
    variable => '${variable} has no value: secretNames has it, and secrets has not.'
  ),
  map(filter(secretNames, variable => contains(taken, variable)), variable => 'secretNames must not have ${variable}: there is a parameter for it.')
)
var checked = empty(problems) ? true : fail(join(problems, ' '))
var taken = [
  'AGENTCORE_AGENTS'
  'AGENTCORE_AUTH'
  'AGENTCORE_BUS_URL'
  'AGENTCORE_DATABASE_GRANT'
  'AGENTCORE_DATABASE_IDENTITY'
  'AGENTCORE_DATABASE_URL'
  'AGENTCORE_HOST'
  'AGENTCORE_HOST_SECONDS'
  'AGENTCORE_MODEL'
  'AGENTCORE_OIDC_AUDIENCE'
  'AGENTCORE_OIDC_ISSUER'
  'AGENTCORE_PORT'
  'AGENTCORE_SLICE_SECONDS'
  'AZURE_CLIENT_ID'
]
var secretOnes = [
  'AGENTCORE_API_KEY'
  'AGENTCORE_BUS_PASSWORD'
  'AGENTCORE_REDIS_TOKEN'
  'AGENTCORE_TICK_SECRETS'
  'AGENTCORE_WEBHOOK_SECRETS'
  'OPENAI_API_KEY'
]

// Time, from the inside out: a slice, the worker that runs it, the job that ends the worker. A worker that has begun may
// still take a whole slice; SIGTERM takes it 5 s to hand over (AGENTCORE_DEADLINE_MARGIN), and a job gives 30 s.
var workerSeconds = sliceSeconds + 30
var workerTimeout = workerSeconds + 60

// The database's connections, shared out: each process has a pool, and one more connection to hear of news.
// Microsoft, "Limits in Azure Database for PostgreSQL": of all, 15 are the service's own. Larger ones have more.
var connections = { B_Standard_B1ms: 35, B_Standard_B2s: 414 }
var available = connections[?databaseSize] ?? 844
var pool = available / (maxReplicas + maxWorkers + 2) - 1 // the timer, and the migration

// An image without a host, or with that of an Azure registry, is in the one made here, unless registryId names another.
var registryName = '${replace(prefix, '-', '')}${suffix}'
var imageHost = contains(image, '/') ? first(split(image, '/')) : ''
var named = contains(imageHost, '.') || contains(imageHost, ':')
var azures = endsWith(imageHost, '.azurecr.io')
var ownRegistry = empty(registryId) && (!named || azures)
var registryServer = ownRegistry ? registry!.outputs.server : empty(registryId) ? '' : '${last(split(registryId, '/'))}.azurecr.io'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: checked ? prefix : ''
  location: region
  tags: tags
}

module registry 'modules/registry.bicep' = if (ownRegistry) {
  scope: group
  name: 'registry'
  params: { name: registryName, location: region, tags: tags }
}

module observability 'modules/observability.bicep' = {
  scope: group
  name: 'observability'
  params: { prefix: prefix, location: region, tags: tags, retentionDays: retentionDays, emails: alertEmails }
}

module budget 'modules/budget.bicep' = if (budgetMonthlyUsd > 0) {
  scope: group
  name: 'budget'
  params: {
    name: prefix
    amount: max(1, budgetMonthlyUsd)
    startDate: empty(budgetStart) ? '${take(now, 8)}01' : budgetStart
    emails: alertEmails
  }
}

module identities 'modules/identities.bicep' = {
  scope: group
  name: 'identities'
  params: { prefix: prefix, location: region, tags: tags, functions: functions, script: runMigration }
}

module pull 'modules/pull.bicep' = if (ownRegistry || !empty(registryId)) {
  scope: resourceGroup(
    ownRegistry ? subscription().subscriptionId : split(registryId, '/')[2],
    ownRegistry ? prefix : split(registryId, '/')[4]
  )
  name: '${prefix}-pull'
  params: {
    registryName: ownRegistry ? registry!.outputs.name : last(split(registryId, '/'))
    pullers: identities.outputs.pullers
  }
}

module network 'modules/network.bicep' = if (managed) {
  scope: group
  name: 'network'
  params: { prefix: prefix, location: region, tags: tags, addressSpace: addressSpace }
}

module postgresql 'modules/database.bicep' = if (managed) {
  scope: group
  name: 'database'
  params: {
    name: '${prefix}-${suffix}'
    location: region
    tags: tags
    size: databaseSize
    highAvailability: highAvailability
    deletionProtection: deletionProtection
    subnetId: network!.outputs.databaseSubnetId
    zoneId: network!.outputs.databaseZoneId
    administratorName: identities.outputs.migrateName
    administratorId: identities.outputs.migrateId
  }
}

var databaseId = managed ? postgresql!.outputs.id : ''
var databaseHost = managed ? postgresql!.outputs.host : ''

module queue 'modules/bus.bicep' = {
  scope: group
  name: 'bus'
  params: {
    bus: bus
    name: '${prefix}-${suffix}'
    location: region
    tags: tags
    attempts: settings.?AGENTCORE_BUS_ATTEMPTS ?? '10'
    maxWorkers: maxWorkers
    scaled: !functions
    senders: identities.outputs.senders
    receivers: identities.outputs.receivers
  }
}

// Which secrets there are.
var secretVariables = union(secretNames, managed ? [] : ['AGENTCORE_DATABASE_URL'])
var secretSettings = filter(secretVariables, variable => startsWith(variable, 'AGENTCORE_'))

module vault 'modules/vault.bicep' = {
  scope: group
  name: 'vault'
  params: {
    name: '${take(replace(prefix, '-', ''), 17)}-${suffix}'
    location: region
    tags: tags
    deletionProtection: deletionProtection
    secretNames: secretVariables
    secrets: union(secrets, managed ? {} : { AGENTCORE_DATABASE_URL: databaseUrl })
    readers: identities.outputs.readers
    settingsReaders: identities.outputs.settingsReaders
  }
}

module apps 'modules/environment.bicep' = {
  scope: group
  name: 'environment'
  params: {
    name: prefix
    location: region
    tags: tags
    subnetId: managed ? network!.outputs.appsSubnetId : ''
    workspaceId: observability.outputs.workspaceId
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  name: 'alerts'
  params: {
    prefix: prefix
    tags: tags
    bus: bus
    busId: queue.outputs.namespaceId
    managed: managed
    databaseId: databaseId
    connections: available
    actionGroupId: observability.outputs.actionGroupId
  }
}

module variables 'modules/variables.bicep' = {
  scope: group
  name: 'variables'
  params: {
    prefix: prefix
    functions: functions
    clientIds: identities.outputs.clientIds
    agents: agents
    model: model
    auth: auth
    oidcIssuer: oidcIssuer
    oidcAudience: oidcAudience
    busUrl: queue.outputs.url
    sliceSeconds: sliceSeconds
    pool: pool
    managed: managed
    databaseHost: databaseHost
    settings: settings
    references: vault.outputs.references
    settingReferences: vault.outputs.settingReferences
  }
}

// All that app.bicep has to know beside the image.
var found = {
  prefix: prefix
  short: short
  suffix: suffix
  location: region
  tags: tags
  compute: compute
  bus: bus
  environmentId: apps.outputs.id
  registryServer: registryServer
  identities: identities.outputs.ids
  functionsClientId: functions ? identities.outputs.clientIds.functions : ''
  functionsPrincipalId: identities.outputs.functionsId
  functionsSubnetId: functions && managed ? network!.outputs.functionsSubnetId : ''
  starter: identities.outputs.starter
  runMigration: runMigration
  environments: variables.outputs.environments
  members: managed ? identities.outputs.members : {}
  secretNames: secretVariables
  secretSettings: secretSettings
  vaultUrl: vault.outputs.url
  busNamespace: queue.outputs.namespaceName
  wakeupSchedule: wakeupSchedule
  minReplicas: minReplicas
  maxReplicas: maxReplicas
  maxWorkers: maxWorkers
  workerSeconds: workerSeconds
  workerTimeout: workerTimeout
  actionGroupId: observability.outputs.actionGroupId
  insightsName: observability.outputs.insightsName
}

module app 'app.bicep' = if (!empty(image)) {
  scope: group
  name: 'app'
  params: {
    image: named ? image : '${registryServer}/${image}'
    found: found
  }
  dependsOn: [pull, alerts]
}

@description('Where the API answers; empty as long as there is no image.')
output url string = empty(image) ? '' : app!.outputs.url

@description('What each function runs with; a secret as the secret of Key Vault that it refers to.')
output environmentVariables object = variables.outputs.environmentVariables

@description('The managed database; empty where it is an external one. It answers inside the virtual network only.')
output databaseHost string = databaseHost

@description('AGENTCORE_BUS_URL.')
output busUrl string = queue.outputs.url

@description('How to migrate by hand, and ask whether what is parked would resume.')
output migrateCommand string = join([
  'JOB=${short}-migrate'
  'RESOURCE_GROUP=${group.name}'
  'SUBSCRIPTION=${subscription().subscriptionId}'
  'TIMEOUT=1900'
  'bash infra/terraform/azure/modules/migration/run.sh'
], ' ')

@description('What the processes said last.')
output logQuery string = join([
  'az monitor log-analytics query --workspace ${observability.outputs.workspaceCustomerId} --analytics-query'
  functions
    ? '"AppTraces | order by TimeGenerated desc | take 50"'
    : '"ContainerAppConsoleLogs | order by TimeGenerated desc | project TimeGenerated, ContainerGroupName, Log | take 50"'
], ' ')

@description('Where to push images; empty where they are in a registry that Azure does not have. azd pushes there.')
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registryServer

@description('All of it is in this one. azd looks here.')
output AZURE_RESOURCE_GROUP string = group.name

@description('What runs: to go back to it, should the next one not work.')
output image string = image

@description('With compute = functions: the app that the code is deployed into.')
output functionsApp string = functions ? '${prefix}-${suffix}' : ''

@description('When the budget began: azd gives it back to the next deployment.')
output budgetStart string = empty(budgetStart) ? '${take(now, 8)}01' : budgetStart

@description('What app.bicep has to know: azd gives it to the deployment of each image.')
output found object = found
