# One function from a container image, with a role of its own.

locals {
  logs = { actions = ["logs:CreateLogStream", "logs:PutLogEvents"], resources = ["${aws_cloudwatch_log_group.this.arn}:*"] }

  # What Lambda does with the role, to put the function into the network. It asks for these on any resource, before there
  # are interfaces that could be named; of the others, the names are not known.
  everywhere = ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
  interfaces = ["ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"]
  arn        = split(":", var.function_arn)
  networking = [for one in [
    { Effect = "Allow", Action = local.everywhere, Resource = "*" },
    { Effect = "Allow", Action = local.interfaces, Resource = "arn:${local.arn[1]}:ec2:${local.arn[3]}:${local.arn[4]}:network-interface/*" },
    {
      Effect    = "Deny" # to the function's own code
      Action    = concat(local.everywhere, local.interfaces)
      Resource  = "*"
      Condition = { ArnEquals = { "lambda:SourceFunctionArn" = var.function_arn } }
    },
  ] : one if var.network != null]
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.retention_days
  tags              = var.tags
}

resource "aws_iam_role" "this" {
  name = var.name

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
  tags = var.tags
}

resource "aws_iam_role_policy" "this" {
  name = "function"
  role = aws_iam_role.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for one in concat([local.logs], var.permissions) : { Effect = "Allow", Action = one.actions, Resource = one.resources }],
      local.networking,
    )
  })
}

resource "aws_lambda_function" "this" {
  function_name                  = var.name
  role                           = aws_iam_role.this.arn
  package_type                   = "Image"
  image_uri                      = var.image
  architectures                  = [var.architecture]
  memory_size                    = var.memory
  timeout                        = var.seconds
  reserved_concurrent_executions = var.concurrency
  publish                        = var.publish
  tags                           = var.tags

  # An image with the Web Adapter has a command of its own.
  dynamic "image_config" {
    for_each = var.handler == null ? [] : [var.handler]
    content {
      entry_point = ["python", "-m", "awslambdaric"]
      command     = [image_config.value]
    }
  }

  environment {
    variables = var.environment
  }

  dynamic "vpc_config" {
    for_each = var.network == null ? [] : [var.network]
    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = [vpc_config.value.security_group_id]
    }
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  depends_on = [aws_iam_role_policy.this]
}

# What callers are sent to: a version of the function, so that it can be kept ready, and gone back to.
resource "aws_lambda_alias" "live" {
  count            = var.publish ? 1 : 0
  name             = "live"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}
