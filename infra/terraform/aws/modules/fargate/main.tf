# http_chat and queue_worker as services on ECS.

resource "aws_ecs_cluster" "this" {
  name = var.name
  tags = var.tags
}

module "task" {
  source   = "../task"
  for_each = { http-chat = ["serve"], queue-worker = ["work"] }

  name           = "${var.name}-${each.key}"
  command        = each.value
  region         = var.region
  account_id     = var.account_id
  image          = var.image
  repository_arn = var.repository_arn
  architecture   = var.architecture
  memory         = var.memory
  environment    = var.environments[each.key]
  permissions    = var.permissions[each.key]
  retention_days = var.retention_days
  tags           = var.tags
}

resource "aws_ecs_service" "api" {
  name                              = "http-chat"
  cluster                           = aws_ecs_cluster.this.id
  task_definition                   = module.task["http-chat"].arn
  launch_type                       = "FARGATE"
  desired_count                     = local.api_least
  health_check_grace_period_seconds = 60
  wait_for_steady_state             = true # else an apply ends well while tasks fail to start
  propagate_tags                    = "SERVICE"
  tags                              = var.tags

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.private_subnet_ids
    security_groups = [var.app_security_group_id]
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.api.arn
    container_name   = "agentcore"
    container_port   = 8000
  }

  lifecycle {
    ignore_changes = [desired_count] # scaling changes it
  }

  depends_on = [aws_lb_listener.https]
}

resource "aws_ecs_service" "worker" {
  name                  = "queue-worker"
  cluster               = aws_ecs_cluster.this.id
  task_definition       = module.task["queue-worker"].arn
  launch_type           = "FARGATE"
  desired_count         = 1
  wait_for_steady_state = true
  propagate_tags        = "SERVICE"
  tags                  = var.tags

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.private_subnet_ids
    security_groups = [var.app_security_group_id]
  }

  lifecycle {
    ignore_changes = [desired_count]
  }
}

locals {
  api_least = max(1, var.min_replicas) # a load balancer starts nothing
}
