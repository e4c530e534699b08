// What the functions run with: all of them, and each by itself: who it is, also to the database. It makes nothing.

@description('Names of the functions\' roles in the database begin with it.')
param prefix string
@description('One app has all functions.')
param functions bool
@description('AZURE_CLIENT_ID, by function.')
param clientIds object
@description('AGENTCORE_AGENTS.')
param agents string
@description('AGENTCORE_MODEL; empty: agents name theirs.')
param model string
@description('AGENTCORE_AUTH.')
param auth string
@description('AGENTCORE_OIDC_ISSUER; empty: none.')
param oidcIssuer string
@description('AGENTCORE_OIDC_AUDIENCE; empty: none.')
param oidcAudience string
@description('AGENTCORE_BUS_URL.')
param busUrl string
@description('AGENTCORE_SLICE_SECONDS.')
param sliceSeconds int
@description('Connections of a process, as far as the database has them.')
param pool int
@description('There is a managed database: who signs in shows a token. Else AGENTCORE_DATABASE_URL is among the secrets.')
param managed bool
@description('Host of the managed database.')
param databaseHost string
@description('Further variables; main.bicep refuses those that there is a parameter for.')
param settings object
@description('Variables that are in the vault, each with its address there.')
param references object
@description('Those of them that are settings.')
param settingReferences object

// Azure's certificates are of public authorities. The functions' image keeps those elsewhere than ours does.
var tls = functions ? 'sslmode=require' : 'sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt'
var urls = toObject(
  ['http_chat', 'queue_worker', 'timer_wakeup', 'functions', 'migrate'],
  role => role,
  role => 'postgresql://${prefix}-${replace(role, '_', '-')}@${databaseHost}:5432/agentcore?${tls}'
)
var common = union(
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
var migrate = union(
  common,
  { AZURE_CLIENT_ID: clientIds.migrate },
  managed ? { AGENTCORE_DATABASE_URL: urls.migrate, AGENTCORE_DATABASE_GRANT: 'agentcore_functions' } : {}
)
var environments = functions
  ? {
      functions: union(common, { AZURE_CLIENT_ID: clientIds.functions }, managed ? { AGENTCORE_DATABASE_URL: urls.functions } : {})
      migrate: migrate
    }
  : {
      // The ingress cuts every request at 240 s. So http_chat ends it before that, properly.
      http_chat: union(
        common,
        { AZURE_CLIENT_ID: clientIds.http_chat, AGENTCORE_HOST_SECONDS: '235' },
        managed ? { AGENTCORE_DATABASE_URL: urls.http_chat } : {}
      )
      queue_worker: union(
        common,
        { AZURE_CLIENT_ID: clientIds.queue_worker },
        managed ? { AGENTCORE_DATABASE_URL: urls.queue_worker } : {}
      )
      timer_wakeup: union(
        common,
        { AZURE_CLIENT_ID: clientIds.timer_wakeup },
        managed ? { AGENTCORE_DATABASE_URL: urls.timer_wakeup } : {}
      )
      migrate: migrate
    }

@description('By function, without what is secret.')
output environments object = environments
@description('By function; a secret as the secret of Key Vault that it refers to.')
output environmentVariables object = functions
  ? { functions: union(environments.functions, references), migrate: union(environments.migrate, references) }
  : {
      http_chat: union(environments.http_chat, references)
      queue_worker: union(environments.queue_worker, references)
      timer_wakeup: union(environments.timer_wakeup, settingReferences)
      migrate: union(environments.migrate, references)
    }
