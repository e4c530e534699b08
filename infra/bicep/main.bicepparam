// What `azd provision`, `az deployment sub create` and you agree on: the environment. `azd env set DEPLOY_BUS eventhubs`
// sets one for azd; export it for az. Parameters that stand here with a fixed value are meant to be edited.
using 'main.bicep'

param name = readEnvironmentVariable('DEPLOY_NAME', 'agentcore')
param environment = readEnvironmentVariable('AZURE_ENV_NAME', 'dev')
param region = readEnvironmentVariable('AZURE_LOCATION')
param image = readEnvironmentVariable('SERVICE_AGENTCORE_IMAGE_NAME', '')
param registryId = readEnvironmentVariable('DEPLOY_REGISTRY_ID', '')

param agents = readEnvironmentVariable('DEPLOY_AGENTS', 'agentcore.agents')
param model = readEnvironmentVariable('DEPLOY_MODEL', '')
param secretNames = empty(readEnvironmentVariable('OPENAI_API_KEY', '')) ? [] : ['OPENAI_API_KEY']
param secrets = { OPENAI_API_KEY: readEnvironmentVariable('OPENAI_API_KEY', '') }
param settings = {}

param database = readEnvironmentVariable('DEPLOY_DATABASE', 'managed')
param databaseUrl = readEnvironmentVariable('DEPLOY_DATABASE_URL', '')
param databaseSize = readEnvironmentVariable('DEPLOY_DATABASE_SIZE', 'B_Standard_B1ms')
param highAvailability = bool(readEnvironmentVariable('DEPLOY_HIGH_AVAILABILITY', 'false'))
param addressSpace = readEnvironmentVariable('DEPLOY_ADDRESS_SPACE', '10.42.0.0/16')
param bus = readEnvironmentVariable('DEPLOY_BUS', 'servicebus')
param compute = readEnvironmentVariable('DEPLOY_COMPUTE', 'container_apps')

param auth = readEnvironmentVariable('DEPLOY_AUTH', 'keys')
param oidcIssuer = readEnvironmentVariable('DEPLOY_OIDC_ISSUER', '')
param oidcAudience = readEnvironmentVariable('DEPLOY_OIDC_AUDIENCE', '')

param wakeupSchedule = readEnvironmentVariable('DEPLOY_WAKEUP_SCHEDULE', '* * * * *')
param minReplicas = int(readEnvironmentVariable('DEPLOY_MIN_REPLICAS', '0'))
param maxReplicas = int(readEnvironmentVariable('DEPLOY_MAX_REPLICAS', '10'))
param maxWorkers = int(readEnvironmentVariable('DEPLOY_MAX_WORKERS', '10'))
param sliceSeconds = int(readEnvironmentVariable('DEPLOY_SLICE_SECONDS', '600'))

param budgetMonthlyUsd = int(readEnvironmentVariable('DEPLOY_BUDGET_MONTHLY_USD', '50'))
param budgetStart = readEnvironmentVariable('budgetStart', '') // an output: azd gives it back
param alertEmails = json(readEnvironmentVariable('DEPLOY_ALERT_EMAILS', '[]'))
param retentionDays = int(readEnvironmentVariable('DEPLOY_RETENTION_DAYS', '30'))
param deletionProtection = bool(readEnvironmentVariable('DEPLOY_DELETION_PROTECTION', 'false'))
param runMigration = bool(readEnvironmentVariable('DEPLOY_RUN_MIGRATION', 'true'))
param tags = { 'azd-env-name': readEnvironmentVariable('AZURE_ENV_NAME', 'dev') }
