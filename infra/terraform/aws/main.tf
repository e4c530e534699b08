# The database and the bus, and what goes before every deployment. The functions are in functions.tf and fargate.tf.

module "network" {
  source = "./modules/network"
  count  = local.networked ? 1 : 0

  name          = local.prefix
  region        = local.region
  zones         = var.zones
  address_space = var.address_space
  egress        = var.egress
  endpoints = setunion(["secretsmanager"], local.queue ? ["sqs"] : [],
    local.lambda ? [] : ["ecr.api", "ecr.dkr", "logs"],
  )
  public = !local.lambda
  tags   = local.tags
}

module "database" {
  source = "./modules/database"
  count  = local.managed ? 1 : 0

  name                  = local.prefix
  vpc_id                = module.network[0].vpc_id
  subnet_ids            = module.network[0].private_subnet_ids
  app_security_group_id = module.network[0].app_security_group_id
  size                  = var.database_size
  connections           = local.connections
  high_availability     = var.high_availability
  password              = jsondecode(one(ephemeral.aws_secretsmanager_secret_version.owner[*].secret_string)).PGPASSWORD
  password_version      = var.secrets_version
  deletion_protection   = var.deletion_protection
  retention_days        = var.retention_days
  tags                  = local.tags
}

module "queue" {
  source = "./modules/queue"
  count  = local.queue ? 1 : 0

  name               = "${local.prefix}-runs"
  visibility_seconds = local.visibility_seconds
  most_receives      = local.most_receives
  tags               = local.tags
}

# -- before new code takes traffic

module "command" {
  source = "./modules/function"

  name           = "${local.prefix}-command"
  function_arn   = "${local.functions}:${local.prefix}-command"
  image          = var.image
  handler        = "command.aws_lambda.handler"
  architecture   = var.architecture
  memory         = var.memory_mb
  seconds        = 900
  environment    = local.variables.command
  permissions    = local.permissions.command
  network        = local.network
  retention_days = var.retention_days
  tags           = local.tags

  # The way to the secret and to the database is more than what is named above: routes, rules and endpoints.
  depends_on = [aws_secretsmanager_secret_version.owner, module.network, module.database]
}

locals {
  network = !local.networked ? null : {
    subnet_ids        = module.network[0].private_subnet_ids
    security_group_id = module.network[0].app_security_group_id
  }
  release = { image = var.image, variables = sha1(jsonencode(local.variables.command)) }
}

# A function that fails fails the apply here, and what depends on it stays as it was.
resource "aws_lambda_invocation" "migrate" {
  function_name = module.command.name
  input         = jsonencode({ args = ["migrate"] })
  triggers      = local.release
}

resource "aws_lambda_invocation" "preflight" {
  count         = var.preflight ? 1 : 0
  function_name = module.command.name
  input         = jsonencode({ args = ["preflight"] })
  triggers      = local.release

  depends_on = [aws_lambda_invocation.migrate]
}

# -- who hears when something is wrong

module "watch" {
  source = "./modules/watch"

  name   = local.prefix
  emails = var.alert_emails
  functions = merge({ timer_wakeup = module.timer_wakeup.name },
    local.lambda ? { http_chat = module.http_chat[0].name, queue_worker = module.queue_worker[0].name } : {},
  )
  clock                = module.timer_wakeup.name
  clock_minutes        = local.clock_minutes
  queue_name           = one(module.queue[*].name)
  dead_queue_name      = one(module.queue[*].dead_name)
  database_id          = one(module.database[*].id)
  database_connections = local.connections
  balancer             = local.lambda ? null : { suffix = module.fargate[0].load_balancer_suffix }
  budget_monthly_usd   = var.budget_monthly_usd
  tags                 = local.tags
}
