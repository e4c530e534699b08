module "fargate" {
  source = "./modules/fargate"
  count  = local.lambda ? 0 : 1

  name                  = local.prefix
  region                = local.region
  account_id            = local.account_id
  image                 = var.image
  repository_arn        = local.repository_arn
  architecture          = var.architecture
  memory                = var.memory_mb
  environments          = { http-chat = local.variables.http_chat, queue-worker = local.variables.queue_worker }
  permissions           = { http-chat = local.permissions.http_chat, queue-worker = local.permissions.queue_worker }
  vpc_id                = module.network[0].vpc_id
  private_subnet_ids    = module.network[0].private_subnet_ids
  public_subnet_ids     = module.network[0].public_subnet_ids
  app_security_group_id = module.network[0].app_security_group_id
  certificate_arn       = var.certificate_arn
  queue_name            = one(module.queue[*].name)
  min_replicas          = var.min_replicas
  max_replicas          = var.max_replicas
  max_workers           = var.max_workers
  deletion_protection   = var.deletion_protection
  retention_days        = var.retention_days
  tags                  = local.tags

  depends_on = [aws_lambda_invocation.migrate, aws_lambda_invocation.preflight, aws_secretsmanager_secret_version.app]
}

locals {
  # 123456789012.dkr.ecr.REGION.amazonaws.com/NAME:TAG
  image_parts    = regex("^([0-9]{12})\\.dkr\\.ecr\\.([a-z0-9-]+)\\.[^/]+/([^:@]+)", var.image)
  repository_arn = "arn:${local.partition}:ecr:${local.image_parts[1]}:${local.image_parts[0]}:repository/${local.image_parts[2]}"
}
