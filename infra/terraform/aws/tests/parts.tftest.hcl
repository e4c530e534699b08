# The modules that hold what must not be public or unencrypted.

variables {
  region = "eu-central-1"
  tags   = {}
}

run "the_database_is_private_encrypted_and_kept" {
  command = plan
  module {
    source = "./modules/database"
  }
  variables {
    name                  = "x"
    vpc_id                = "vpc-1"
    subnet_ids            = ["subnet-1", "subnet-2"]
    app_security_group_id = "sg-app"
    size                  = "db.t4g.micro"
    connections           = 100
    high_availability     = false
    password              = "hush"
    password_version      = 1
    deletion_protection   = true
    retention_days        = 30
  }

  assert {
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.storage_encrypted && aws_db_instance.this.iam_database_authentication_enabled
    error_message = "It has private addresses only, is encrypted, and takes IAM."
  }
  assert {
    condition     = contains([for one in aws_db_parameter_group.this.parameter : "${one.name}=${one.value}"], "rds.force_ssl=1")
    error_message = "It takes TLS only."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.app.referenced_security_group_id == "sg-app" && aws_vpc_security_group_ingress_rule.app.cidr_ipv4 == null
    error_message = "Only functions and tasks reach it."
  }
  assert {
    condition     = aws_db_instance.this.password_wo == null && aws_db_instance.this.password == null
    error_message = "The state must not have its password."
  }
  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.backup_retention_period == 30
    error_message = "What is protected cannot be deleted, and has backups."
  }
}

run "the_queue_is_encrypted_and_has_dead_letters" {
  command = plan
  module {
    source = "./modules/queue"
  }
  variables {
    name               = "x-runs"
    visibility_seconds = 1860
    most_receives      = 20
  }
  override_resource {
    target          = aws_sqs_queue.dead
    override_during = plan
    values          = { arn = "arn:aws:sqs:eu-central-1:123456789012:x-runs-dead" }
  }

  assert {
    condition     = aws_sqs_queue.runs.sqs_managed_sse_enabled && aws_sqs_queue.dead.sqs_managed_sse_enabled
    error_message = "Both are encrypted."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.runs.redrive_policy) == { deadLetterTargetArn = "arn:aws:sqs:eu-central-1:123456789012:x-runs-dead", maxReceiveCount = 20 }
    error_message = "What cannot be received goes to the dead letters."
  }
  assert {
    condition     = aws_sqs_queue.dead.message_retention_seconds == 1209600
    error_message = "Dead letters are kept as long as SQS can."
  }
}

run "a_nat_gateway_leads_out" {
  command = plan
  module {
    source = "./modules/network"
  }
  variables {
    name          = "x"
    zones         = ["a", "c"]
    address_space = "10.43.0.0/16"
    egress        = "nat"
    endpoints     = ["sqs", "secretsmanager"]
    public        = false
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_vpc_endpoint.service) == 0
    error_message = "There is one NAT gateway, and no endpoints to pay beside it."
  }
  assert {
    condition     = [for one in aws_subnet.private : one.availability_zone] == ["eu-central-1a", "eu-central-1c"] && alltrue([for one in aws_subnet.private : one.map_public_ip_on_launch != true])
    error_message = "Private subnets are in two zones, with private addresses."
  }
  assert {
    condition     = length(distinct(concat(aws_subnet.private[*].cidr_block, aws_subnet.public[*].cidr_block))) == 4
    error_message = "No two subnets have the same addresses."
  }
}

run "endpoints_lead_to_aws_and_nowhere_else" {
  command = plan
  module {
    source = "./modules/network"
  }
  variables {
    name          = "x"
    zones         = ["a", "b"]
    address_space = "10.43.0.0/16"
    egress        = "endpoints"
    endpoints     = ["sqs", "secretsmanager"]
    public        = false
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_internet_gateway.this) == 0 && keys(aws_vpc_endpoint.service) == ["secretsmanager", "sqs"]
    error_message = "There is no way to the internet, and one to each service."
  }
  assert {
    condition     = aws_vpc_security_group_egress_rule.app.cidr_ipv4 == "10.43.0.0/16"
    error_message = "Nothing leaves the network."
  }
}
