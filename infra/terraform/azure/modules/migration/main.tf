# What a deployment does first: bring the database to the image's version, and ask whether what is parked would resume.
#
# A job of its own, as neither may happen in each replica (a preflight replays every parked run), nor with the rights of
# the API. It is started during apply, by the az command: azurerm knows no job executions, and an action of azapi ends
# when the job has begun. The functions are deployed only after it has succeeded.

locals {
  timeout = 1800
  steps   = file("${path.module}/deploy.py")
}

module "job" {
  source              = "../job"
  name                = var.name
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
  environment_id      = var.environment_id
  identity_id         = var.identity_id
  image               = var.image
  registry            = var.registry
  command             = ["python", "-c", local.steps]
  arguments           = []
  size                = { cpu = 0.5, memory = "1Gi" }
  variables           = merge(var.variables, length(var.members) == 0 ? {} : { DATABASE_MEMBERS = jsonencode(var.members) })
  secrets             = var.secrets
  timeout             = local.timeout
  trigger             = {}
}

resource "terraform_data" "done" {
  count = var.run ? 1 : 0
  triggers_replace = [
    module.job.id, var.image, local.steps, var.variables, var.members, keys(var.secrets), var.secrets_version,
  ]

  provisioner "local-exec" {
    command = "bash ${path.module}/run.sh"
    environment = {
      JOB            = module.job.name
      RESOURCE_GROUP = var.resource_group_name
      SUBSCRIPTION   = var.subscription_id
      TIMEOUT        = local.timeout + 120
    }
  }
}

output "job_id" { value = module.job.id }
output "job_name" { value = module.job.name }
