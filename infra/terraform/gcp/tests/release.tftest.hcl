# Migrations and preflight are executed once a release, also for one that goes back.

mock_provider "google" {}

variables {
  name            = "agentcore-dev-migrate"
  region          = "europe-west1"
  image           = "agentcore:1"
  args            = ["migrate"]
  execute         = true
  service_account = "deploy"
  environment     = {}
  secrets         = {}
  network         = null
  memory          = "1Gi"
  labels          = {}
}

run "first" {
  command = apply

  module {
    source = "./modules/job"
  }

  assert {
    condition     = length(google_cloud_run_v2_job.this.run_execution_token) == 8
    error_message = "it is executed, and waited for"
  }
  assert {
    condition     = google_cloud_run_v2_job.this.template[0].template[0].max_retries >= 3
    error_message = "with fewer retries Cloud Run may call a good execution a failure"
  }
}

run "second" {
  command = apply

  module {
    source = "./modules/job"
  }

  variables {
    image = "agentcore:2"
  }

  assert {
    condition     = google_cloud_run_v2_job.this.run_execution_token != run.first.execution
    error_message = "the next release executes it again"
  }
}

run "back" {
  command = apply

  module {
    source = "./modules/job"
  }

  assert {
    condition     = !contains([run.first.execution, run.second.execution], google_cloud_run_v2_job.this.run_execution_token)
    error_message = "an execution's name never comes twice"
  }
}

run "by_hand" {
  command = apply

  module {
    source = "./modules/job"
  }

  variables {
    name    = "agentcore-dev-admin"
    execute = false
  }

  assert {
    condition     = google_cloud_run_v2_job.this.run_execution_token == null
    error_message = "nothing is executed"
  }
}
