"""Mistakes planted into the real roots, one at a time, and what has to be said of each."""

from __future__ import annotations

from dataclasses import dataclass

VALIDATE, APPLY = "validate", "apply"  # else a file of the root's own tests


@dataclass(frozen=True)
class Planted:
    name: str
    file: str  # in infra/terraform
    old: str  # what stands there once
    new: str
    by: str  # which check must notice
    said: str  # a part of what it must say


PLANTED = [
    # -- what schemas know
    Planted("a misspelt argument", "azure/modules/bus/main.tf", 'lock_duration = "PT1M"', 'lock_durations = "PT1M"',
            VALIDATE, "Unsupported argument"),
    Planted("a missing argument", "azure/modules/vault/main.tf",
            "tenant_id                  = data.azurerm_client_config.current.tenant_id\n", "",
            VALIDATE, "Missing required argument"),
    Planted("a misspelt output of a module", "azure/main.tf", "module.network[0].database_subnet_id",
            "module.network[0].database_subnets_id", VALIDATE, "Unsupported attribute"),
    Planted("a body that Azure does not know", "azure/modules/functions/main.tf", "httpsOnly  ", "httpOnly  ",
            VALIDATE, "there is no 'httpOnly'; 'httpsOnly'?"),
    Planted("a body of the wrong type", "azure/modules/functions/main.tf", "instanceMemoryMB     = 2048",
            'instanceMemoryMB     = "2 GB"', VALIDATE, "int expected, not string"),
    Planted("a wrong type", "aws/modules/queue/main.tf", "receive_wait_time_seconds  = 20",
            'receive_wait_time_seconds  = "long"', VALIDATE, "a number is required"),
    Planted("a misspelt block", "aws/functions.tf", "flexible_time_window {", "flexible_time_windows {",
            VALIDATE, "Unsupported block type"),
    Planted("an argument that only AWS sets", "aws/modules/queue/main.tf",
            'name                      = "${var.name}-dead"', 'arn = "${var.name}-dead"',
            VALIDATE, "Argument that only the provider sets"),
    Planted("an undeclared variable", "aws/functions.tf", "maximum_concurrency = var.max_workers",
            "maximum_concurrency = var.maximum_workers", VALIDATE, "Reference to undeclared input variable"),
    Planted("a resource that there is not", "gcp/modules/bus/main.tf", 'resource "google_pubsub_topic" "dead"',
            'resource "google_pubsub_topics" "dead"', VALIDATE, "Invalid resource type"),
    Planted("a misspelt nested argument", "gcp/modules/service/main.tf", "failure_threshold = 36",
            "failures_threshold = 36", VALIDATE, "Unsupported argument"),
    Planted("a block where there is one at most", "gcp/modules/bus/main.tf", "  push_config {",
            "  push_config {\n    push_endpoint = var.endpoint\n  }\n  push_config {",
            VALIDATE, "Too many push_config"),
    Planted("a secret that the state would keep", "gcp/modules/database/main.tf",
            "password_wo         = ephemeral", "password            = ephemeral",
            VALIDATE, "Invalid use of ephemeral value"),
    Planted("the syntax of an older provider", "kubernetes/main.tf", "  max_history = 10\n",
            '  max_history = 10\n  set {\n    name  = "image"\n    value = "x"\n  }\n',
            VALIDATE, "Unsupported block type"),
    Planted("a misspelt name in a local", "kubernetes/values.tf", "schedule = var.wakeup_schedule",
            "schedule = var.wakeup_cron", VALIDATE, "Reference to undeclared input variable"),
    # -- what schemas lose and our limits have
    Planted("a duration in words", "azure/modules/bus/main.tf", '"PT1M"', '"1 minute"', VALIDATE, "ISO 8601"),
    Planted("a lock that Service Bus does not hold so long", "azure/modules/bus/main.tf", '"PT1M"', '"PT10M"',
            VALIDATE, "is not between PT5S and PT5M"),
    Planted("a role that there is not", "azure/modules/vault/main.tf", '"Key Vault Secrets Officer"',
            '"Key Vault Secret Officer"', VALIDATE, "is not one of"),
    Planted("a public database in a network", "azure/modules/database/main.tf",
            "public_network_access_enabled = false", "public_network_access_enabled = true",
            VALIDATE, "public_network_access_enabled must be false"),
    Planted("a window that alerts do not have", "azure/modules/alerts/main.tf", 'window_size         = "PT15M"',
            'window_size         = "PT20M"', VALIDATE, "is not one of"),
    Planted("a provider without its features", "azure/examples/minimal/main.tf",
            "  features {\n    application_insights {\n"
            "      disable_generated_rule = true # else Azure puts a rule into the resource group "
            "that is not ours to delete\n    }\n  }\n", "", VALIDATE, "one features {} block must be there"),
    Planted("a processor that Lambda does not have", "aws/modules/function/main.tf",
            "architectures                  = [var.architecture]", 'architectures                  = ["amd64"]',
            VALIDATE, "is not one of x86_64, arm64"),
    Planted("a function without its image", "aws/modules/function/main.tf",
            "  image_uri                      = var.image\n", "", VALIDATE, "package_type Image needs an image_uri"),
    Planted("a schedule that is none", "aws/functions.tf", '"rate(1 minute)"', '"every minute"',
            APPLY, "is not a schedule such as rate(5 minutes)"),
    Planted("an answer to SQS that there is not", "aws/functions.tf", '["ReportBatchItemFailures"]',
            '["ReportBatchFailures"]', VALIDATE, "is not one of ReportBatchItemFailures"),
    Planted("a mode that Cloud SQL does not have", "gcp/modules/database/main.tf", '"ENCRYPTED_ONLY"',
            '"ENCRYPTED"', VALIDATE, "is not one of"),
    Planted("an ingress that Cloud Run does not have", "gcp/modules/service/main.tf",
            '"EXECUTION_ENVIRONMENT_GEN2"', '"EXECUTION_ENVIRONMENT_GEN3"', VALIDATE, "is not one of"),
    Planted("a deadline that Pub/Sub does not wait", "gcp/modules/bus/main.tf", "ack_deadline_seconds = 600",
            "ack_deadline_seconds = 3600", VALIDATE, "is not between 10 and 600"),
    Planted("minutes for seconds", "gcp/modules/bus/main.tf", '"10s"', '"10m"', VALIDATE, "a number of seconds"),
    Planted("everybody as publisher", "gcp/modules/bus/main.tf", "  member = var.worker\n",
            '  member = "allUsers"\n', VALIDATE, "only roles/run.invoker may be everyone's"),
    # -- rights
    Planted("an action that IAM does not have", "aws/permissions.tf", '"sqs:ReceiveMessage"',
            '"sqs:ReceiveMessages"', APPLY, "there is no action sqs:ReceiveMessages"),
    Planted("all actions of a service", "aws/permissions.tf",
            '["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]', '["sqs:*"]',
            APPLY, "sqs:* allows more than one action"),
    Planted("every secret", "aws/permissions.tf", "resources = [local.app_secret_arn]", 'resources = ["*"]',
            APPLY, "secretsmanager:GetSecretValue is allowed on every resource"),
    Planted("a right on the whole resource group", "azure/identities.tf",
            'what = "pull", role = "AcrPull", scope = local.registry_id',
            'what = "pull", role = "AcrPull", scope = azurerm_resource_group.this.id',
            "tests/security.tftest.hcl", "No role is given on the whole resource group"),
    Planted("passwords for the database", "azure/modules/database/main.tf", "password_auth_enabled         = false",
            "password_auth_enabled         = true", "tests/security.tftest.hcl", "Nobody signs in with a password"),
    # -- what only a root's own tests know
    Planted("a database without TLS", "aws/modules/database/main.tf", 'value = "1"', 'value = "0"',
            "tests/parts.tftest.hcl", "It takes TLS only"),
    Planted("a database for everybody", "aws/modules/database/main.tf", "publicly_accessible    = false",
            "publicly_accessible    = true", "tests/parts.tftest.hcl", "It has private addresses only"),
    Planted("a disk in the clear", "aws/modules/database/main.tf", "storage_encrypted     = true",
            "storage_encrypted     = false", "tests/parts.tftest.hcl", "is encrypted"),
    Planted("no dead letters", "aws/modules/queue/main.tf", "  redrive_policy = jsonencode({",
            "  redrive_allow_policy = jsonencode({", "tests/parts.tftest.hcl", "redrivePermission is missing in it"),
    Planted("a queue that hides too short", "aws/environment.tf", "6 * local.function_seconds",
            "2 * local.function_seconds", "tests/lambda.tftest.hcl", "The queue must hide a message for six times"),
    Planted("a public address for Cloud SQL", "gcp/modules/database/main.tf", "ipv4_enabled    = false",
            "ipv4_enabled    = true", "tests/database.tftest.hcl", "Test assertion failed"),
    Planted("dead letters of another topic", "gcp/modules/bus/main.tf",
            "dead_letter_topic     = google_pubsub_topic.dead", "dead_letter_topic     = google_pubsub_topic.this",
            "tests/bus.tftest.hcl", "Test assertion failed"),
    Planted("a job that ends before its worker", "azure/locals.tf", "local.worker_seconds + 60",
            "local.worker_seconds - 60", "tests/time.tftest.hcl", "each with room to hand over"),
    Planted("secrets in the values of a chart", "kubernetes/values.tf", "existingSecret = kubernetes_secret_v1",
            'leak = var.secrets["OPENAI_API_KEY"]\n    existingSecret = kubernetes_secret_v1',
            VALIDATE, "ephemeral"),
    Planted("no way back from a failed migration", "kubernetes/main.tf", "atomic          = true",
            "atomic          = false", "tests/releases.tftest.hcl", "a failed migration brings the last release back"),
    Planted("fewer connections than pods", "kubernetes/values.tf", "maxConnections = 50 +", "maxConnections = 0 *",
            "tests/releases.tftest.hcl", "all pods at once have their connections"),
]  # fmt: skip
