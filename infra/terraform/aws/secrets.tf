# Values are written once and kept nowhere else: neither in the state nor in a plan.

ephemeral "random_password" "owner" {
  count   = local.managed ? 1 : 0
  length  = 40
  special = false
}

# All that is secret, with the way to the database as its owner.
resource "aws_secretsmanager_secret" "owner" {
  name                    = "${local.prefix}/owner"
  description             = "Variables of ${local.prefix}, with the way to the database as its owner"
  recovery_window_in_days = var.deletion_protection ? 30 : 0
  tags                    = local.tags
}

resource "aws_secretsmanager_secret_version" "owner" {
  secret_id                = aws_secretsmanager_secret.owner.id
  secret_string_wo_version = var.secrets_version
  secret_string_wo = jsonencode(merge(var.secrets,
    local.managed ? { PGPASSWORD = one(ephemeral.random_password.owner[*].result) } : { AGENTCORE_DATABASE_URL = var.database_url },
  ))
}

# The database takes its password from there: were each written on its own, an apply that fails in between would leave two.
ephemeral "aws_secretsmanager_secret_version" "owner" {
  count      = local.managed ? 1 : 0
  secret_id  = aws_secretsmanager_secret_version.owner.secret_id
  version_id = aws_secretsmanager_secret_version.owner.version_id
}

# Where functions sign in by IAM, they need not know the owner's password.
resource "aws_secretsmanager_secret" "app" {
  count                   = local.iam ? 1 : 0
  name                    = "${local.prefix}/app"
  description             = "Variables of ${local.prefix}"
  recovery_window_in_days = var.deletion_protection ? 30 : 0
  tags                    = local.tags
}

resource "aws_secretsmanager_secret_version" "app" {
  count                    = local.iam ? 1 : 0
  secret_id                = aws_secretsmanager_secret.app[0].id
  secret_string_wo_version = var.secrets_version
  secret_string_wo         = jsonencode(var.secrets)
}

locals {
  app_secret_arn = local.iam ? aws_secretsmanager_secret.app[0].arn : aws_secretsmanager_secret.owner.arn
}
