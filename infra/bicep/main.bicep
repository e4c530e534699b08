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
  params: {
    name: registryName
    location: region
    tags: tags
  }
}

module observability 'modules/observability.bicep' = {
  scope: group
  name: 'observability'
  params: {
    prefix: prefix
    location: region
    tags: tags
    retentionDays: retentionDays
    emails: alertEmails
  }
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

// Who each function is, and who migrates and deploys: only that one may change tables.
module chat 'modules/identity.bicep' = if (!functions) {
  scope: group
  name: 'identity-http-chat'
  params: {
    name: '${prefix}-http-chat'
    location: region
    tags: tags
  }
}

module worker 'modules/identity.bicep' = if (!functions) {
  scope: group
  name: 'identity-queue-worker'
  params: {
    name: '${prefix}-queue-worker'
    location: region
    tags: tags
  }
}

module timer 'modules/identity.bicep' = if (!functions) {
  scope: group
  name: 'identity-timer-wakeup'
  params: {
    name: '${prefix}-timer-wakeup'
    location: region
    tags: tags
  }
}

module all 'modules/identity.bicep' = if (functions) {
  scope: group
  name: 'identity-functions'
  params: {
    name: '${prefix}-functions'
    location: region
    tags: tags
  }
}

module migrate 'modules/identity.bicep' = {
  scope: group
  name: 'identity-migrate'
  params: {
    name: '${prefix}-migrate'
    location: region
    tags: tags
  }
}

module starter 'modules/identity.bicep' = if (runMigration) {
  scope: group
  name: 'identity-starter'
  params: {
    name: '${prefix}-starter'
    location: region
    tags: tags
  }
}

var allId = all!.outputs.principalId
var chatId = chat!.outputs.principalId
var workerId = worker!.outputs.principalId
var timerId = timer!.outputs.principalId
var users = functions ? [allId] : [chatId, workerId, timerId]
var receivers = [functions ? allId : workerId]
var pullers = functions ? [migrate.outputs.principalId] : concat(users, [migrate.outputs.principalId]) // functions run no image

module pull 'modules/pull.bicep' = if (ownRegistry || !empty(registryId)) {
  scope: resourceGroup(
    ownRegistry ? subscription().subscriptionId : split(registryId, '/')[2],
    ownRegistry ? prefix : split(registryId, '/')[4]
  )
  name: '${prefix}-pull'
  params: {
    registryName: ownRegistry ? registry!.outputs.name : last(split(registryId, '/'))
    pullers: pullers
  }
}

module network 'modules/network.bicep' = if (managed) {
  scope: group
  name: 'network'
  params: {
    prefix: prefix
    location: region
    tags: tags
    addressSpace: addressSpace
  }
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
    administratorName: migrate.outputs.name
    administratorId: migrate.outputs.principalId
  }
}

module servicebus 'modules/servicebus.bicep' = if (bus == 'servicebus') {
  scope: group
  name: 'servicebus'
  params: {
    name: '${prefix}-${suffix}'
    location: region
    tags: tags
    attempts: int(settings.?AGENTCORE_BUS_ATTEMPTS ?? '10')
    senders: users
    receivers: receivers
  }
}

module eventhubs 'modules/eventhubs.bicep' = if (bus == 'eventhubs') {
  scope: group
  name: 'eventhubs'
  params: {
    name: '${prefix}-${suffix}'
    location: region
    tags: tags
    partitions: min(32, max(2, maxWorkers)) // a worker without a partition has nothing to do
    scalerKey: !functions
    senders: users
    receivers: receivers
  }
}

// Which secrets there are, and what names the newest version of each.
var secretVariables = union(secretNames, managed ? [] : ['AGENTCORE_DATABASE_URL'])
var secretSettings = filter(secretVariables, variable => startsWith(variable, 'AGENTCORE_'))
var references = toObject(secretVariables, variable => variable, variable => '${vault.outputs.url}secrets/${toLower(replace(variable, '_', '-'))}')
var settingReferences = toObject(secretSettings, variable => variable, variable => '${vault.outputs.url}secrets/${toLower(replace(variable, '_', '-'))}')

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
    readers: functions ? [allId, migrate.outputs.principalId] : [chatId, workerId, migrate.outputs.principalId]
    settingsReaders: functions ? [] : [timerId] // it executes no agent
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

module alerts 'modules/alert.bicep' = [for alert in standing: {
  scope: group
  name: 'alert-${alert.name}'
  params: {
    name: '${prefix}-${alert.name}'
    tags: tags
    alert: alert
    scopeId: alert.of == 'database' ? databaseId : busId
    actionGroupId: observability.outputs.actionGroupId
  }
}]

// What is there all the time. Alerts of the functions themselves are in app.bicep.
var deadLetters = {
  name: 'dead-letters'
  of: 'bus'
  description: 'A message that nobody could use was put aside, with the reason: docs/buses.md.'
  namespace: bus == 'eventhubs' ? 'Microsoft.EventHub/namespaces' : 'Microsoft.ServiceBus/namespaces'
  metric: bus == 'eventhubs' ? 'IncomingMessages' : 'DeadletteredMessages'
  aggregation: bus == 'eventhubs' ? 'Total' : 'Maximum'
  above: 0
  dimension: 'EntityName'
  value: bus == 'eventhubs' ? 'runs-dead' : 'runs' // Service Bus has its dead letters in the queue
  severity: 1
  window: 'PT5M'
}
var waiting = {
  name: 'waiting'
  of: 'bus'
  description: 'Messages wait and nobody takes them: workers do not start, or there are too few. docs/deploy/azure.md.'
  namespace: 'Microsoft.ServiceBus/namespaces'
  metric: 'ActiveMessages'
  aggregation: 'Minimum'
  above: 0
  dimension: 'EntityName'
  value: 'runs'
  severity: 1
  window: 'PT15M'
}
var storage = {
  name: 'storage'
  of: 'database'
  description: 'The disk of the database is nearly full. It grows by itself, up to what its size allows.'
  namespace: 'Microsoft.DBforPostgreSQL/flexibleServers'
  metric: 'storage_percent'
  aggregation: 'Average'
  above: 85
  dimension: ''
  value: ''
  severity: 2
  window: 'PT5M'
}
var crowded = {
  name: 'connections'
  of: 'database'
  description: 'The database has hardly a connection left: take a larger databaseSize.'
  namespace: 'Microsoft.DBforPostgreSQL/flexibleServers'
  metric: 'active_connections'
  aggregation: 'Maximum'
  above: available * 9 / 10
  dimension: ''
  value: ''
  severity: 2
  window: 'PT5M'
}
var standing = concat(bus == 'store' ? [] : [deadLetters], bus == 'servicebus' ? [waiting] : [], managed ? [storage, crowded] : [])

// What the functions run with: all of them, and each by itself: who it is, also to the database.
var busUrl = bus == 'servicebus' ? servicebus!.outputs.url : bus == 'eventhubs' ? eventhubs!.outputs.url : 'store://'
var busId = bus == 'servicebus' ? servicebus!.outputs.namespaceId : bus == 'eventhubs' ? eventhubs!.outputs.namespaceId : ''
var databaseId = managed ? postgresql!.outputs.id : ''
var databaseHost = managed ? postgresql!.outputs.host : ''
// Azure's certificates are of public authorities. The functions' image keeps those elsewhere than ours does.
var tls = functions ? 'sslmode=require' : 'sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt'
var variables = union(
  { AGENTCORE_POOL_SIZE: string(min(10, max(1, pool))) },
  settings,
  {
    AGENTCORE_AGENTS: agents
    AGENTCORE_AUTH: auth
    AGENTCORE_BUS_URL: busUrl
    AGENTCORE_SLICE_SECONDS: string(sliceSeconds)
  },
  empty(model) ? {} : { AGENTCORE_MODEL: model },
  empty(oidcIssuer) ? {} : { AGENTCORE_OIDC_ISSUER: oidcIssuer },
  empty(oidcAudience) ? {} : { AGENTCORE_OIDC_AUDIENCE: oidcAudience },
  managed ? { AGENTCORE_DATABASE_IDENTITY: 'azure' } : {}
)
var environments = functions
  ? {
      functions: union(variables, { AZURE_CLIENT_ID: all!.outputs.clientId }, managed ? { AGENTCORE_DATABASE_URL: urls.functions } : {})
      migrate: migration
    }
  : {
      // The ingress cuts every request at 240 s. So http_chat ends it before that, properly.
      http_chat: union(
        variables,
        { AZURE_CLIENT_ID: chat!.outputs.clientId, AGENTCORE_HOST_SECONDS: '235' },
        managed ? { AGENTCORE_DATABASE_URL: urls.http_chat } : {}
      )
      queue_worker: union(
        variables,
        { AZURE_CLIENT_ID: worker!.outputs.clientId },
        managed ? { AGENTCORE_DATABASE_URL: urls.queue_worker } : {}
      )
      timer_wakeup: union(
        variables,
        { AZURE_CLIENT_ID: timer!.outputs.clientId },
        managed ? { AGENTCORE_DATABASE_URL: urls.timer_wakeup } : {}
      )
      migrate: migration
    }
var migration = union(
  variables,
  { AZURE_CLIENT_ID: migrate.outputs.clientId },
  managed ? { AGENTCORE_DATABASE_URL: urls.migrate, AGENTCORE_DATABASE_GRANT: 'agentcore_functions' } : {}
)
var urls = toObject(
  ['http_chat', 'queue_worker', 'timer_wakeup', 'functions', 'migrate'],
  role => role,
  role => 'postgresql://${prefix}-${replace(role, '_', '-')}@${databaseHost}:5432/agentcore?${tls}'
)
// With a managed database: who may use it, by name, and their object ids.
var members = !managed
  ? {}
  : functions
      ? { '${prefix}-functions': allId }
      : {
          '${prefix}-http-chat': chatId
          '${prefix}-queue-worker': workerId
          '${prefix}-timer-wakeup': timerId
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
  identities: functions
    ? { functions: all!.outputs.id, migrate: migrate.outputs.id }
    : {
        http_chat: chat!.outputs.id
        queue_worker: worker!.outputs.id
        timer_wakeup: timer!.outputs.id
        migrate: migrate.outputs.id
      }
  functionsClientId: functions ? all!.outputs.clientId : ''
  functionsPrincipalId: functions ? allId : ''
  functionsSubnetId: functions && managed ? network!.outputs.functionsSubnetId : ''
  starter: runMigration
    ? { id: starter!.outputs.id, clientId: starter!.outputs.clientId, principalId: starter!.outputs.principalId }
    : {}
  runMigration: runMigration
  environments: environments
  members: members
  secretNames: secretVariables
  secretSettings: secretSettings
  vaultUrl: vault.outputs.url
  busNamespace: bus == 'servicebus' ? servicebus!.outputs.namespaceName : bus == 'eventhubs' ? eventhubs!.outputs.namespaceName : ''
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
output environmentVariables object = functions
  ? { functions: union(environments.functions, references), migrate: union(environments.migrate, references) }
  : {
      http_chat: union(environments.http_chat, references)
      queue_worker: union(environments.queue_worker, references)
      timer_wakeup: union(environments.timer_wakeup, settingReferences)
      migrate: union(environments.migrate, references)
    }

@description('The managed database; empty where it is an external one. It answers inside the virtual network only.')
output databaseHost string = databaseHost

@description('AGENTCORE_BUS_URL.')
output busUrl string = busUrl

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
