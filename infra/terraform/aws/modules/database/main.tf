# RDS for PostgreSQL: private, encrypted, TLS only.

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
  tags       = var.tags
}

resource "aws_db_parameter_group" "this" {
  name   = "${var.name}-postgres${local.version}"
  family = "postgres${local.version}"
  tags   = var.tags

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
  parameter {
    name         = "max_connections"
    value        = tostring(var.connections)
    apply_method = "pending-reboot" # it cannot change while the server runs
  }

  lifecycle {
    create_before_destroy = true # the database has to leave it first
  }
}

resource "aws_security_group" "this" {
  name        = "${var.name}-database"
  description = "Database of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-database" })
}

resource "aws_vpc_security_group_ingress_rule" "app" {
  security_group_id            = aws_security_group.this.id
  description                  = "PostgreSQL for functions and tasks"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
  referenced_security_group_id = var.app_security_group_id
}

resource "aws_db_instance" "this" {
  identifier = var.name

  engine                     = "postgres"
  engine_version             = local.version # the newest minor version of it
  auto_minor_version_upgrade = true
  instance_class             = var.size
  multi_az                   = var.high_availability

  db_name             = "agentcore"
  username            = "agentcore"
  password_wo         = var.password
  password_wo_version = var.password_version

  allocated_storage     = 20
  max_allocated_storage = 200
  storage_type          = "gp3"
  storage_encrypted     = true

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  publicly_accessible    = false
  parameter_group_name   = aws_db_parameter_group.this.name
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  iam_database_authentication_enabled = true
  enabled_cloudwatch_logs_exports     = ["postgresql", "iam-db-auth-error"]

  backup_retention_period   = var.deletion_protection ? 30 : 7
  copy_tags_to_snapshot     = true
  deletion_protection       = var.deletion_protection
  delete_automated_backups  = !var.deletion_protection
  skip_final_snapshot       = !var.deletion_protection
  final_snapshot_identifier = "${var.name}-final"
  tags                      = var.tags

  depends_on = [aws_cloudwatch_log_group.this]
}

# Before the database makes it itself, which would keep logs for ever.
resource "aws_cloudwatch_log_group" "this" {
  for_each          = toset(["postgresql", "iam-db-auth-error"])
  name              = "/aws/rds/instance/${var.name}/${each.key}"
  retention_in_days = var.retention_days
  tags              = var.tags
}

locals {
  version = "17"
}
