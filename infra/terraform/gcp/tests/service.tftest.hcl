# Cloud Run services: who may call, with what, and for how long.

mock_provider "google" {}

variables {
  name            = "agentcore-dev-worker"
  region          = "europe-west1"
  image           = "europe-west1-docker.pkg.dev/acme/agentcore-dev/agentcore:1.0"
  app             = "queue_worker.cloud_run:app"
  service_account = "agentcore-dev-worker@acme.iam.gserviceaccount.com"
  environment     = { AGENTCORE_CONCURRENCY = "10" }
  secrets         = { AGENTCORE_DATABASE_URL = { secret = "agentcore-dev-AGENTCORE_DATABASE_URL", version = "3" } }
  network         = { network = "n", subnetwork = "s" }
  timeout_seconds = 570
  concurrency     = 10
  memory          = "1Gi"
  max_instances   = 10
  labels          = {}
}

run "internal" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    internal = true
    invokers = { pubsub = "serviceAccount:agentcore-dev-caller@acme.iam.gserviceaccount.com" }
  }

  assert {
    condition     = google_cloud_run_v2_service.this.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY" && google_cloud_run_v2_service.this.invoker_iam_disabled == false
    error_message = "only Google's services reach it, and Google asks who they are"
  }
  assert {
    condition     = [for one in google_cloud_run_v2_service_iam_member.invoker : "${one.role} ${one.member}"] == ["roles/run.invoker serviceAccount:agentcore-dev-caller@acme.iam.gserviceaccount.com"]
    error_message = "its caller may call it, and nobody else"
  }
  assert {
    condition     = google_cloud_run_v2_service.this.template[0].timeout == "570s" && google_cloud_run_v2_service.this.template[0].max_instance_request_concurrency == 10
    error_message = "time-out and concurrency are those of the process"
  }
  assert {
    condition     = google_cloud_run_v2_service.this.template[0].containers[0].args[0] == "queue_worker.cloud_run:app" && google_cloud_run_v2_service.this.template[0].containers[0].command == tolist(["uvicorn"])
    error_message = "the command picks the role"
  }
  assert {
    condition     = one([for one in google_cloud_run_v2_service.this.template[0].containers[0].env : one.value_source[0].secret_key_ref[0].version if one.name == "AGENTCORE_DATABASE_URL"]) == "3"
    error_message = "a secret is a reference, to one version"
  }
  assert {
    condition     = google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].period_seconds * google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].failure_threshold <= 240
    error_message = "Cloud Run lets a start take four minutes"
  }
  assert {
    condition     = google_cloud_run_v2_service.this.template[0].vpc_access[0].egress == "PRIVATE_RANGES_ONLY"
    error_message = "only the database is reached through the network; else the model would need a NAT"
  }
  assert {
    condition     = google_cloud_run_v2_service.this.scaling[0].max_instance_count == 10 && google_cloud_run_v2_service.this.template[0].scaling[0].max_instance_count == 10
    error_message = "two revisions together have no more instances than one"
  }
}

run "public" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    public  = true
    network = null
  }

  assert {
    condition     = google_cloud_run_v2_service.this.invoker_iam_disabled && length(google_cloud_run_v2_service_iam_member.invoker) == 0
    error_message = "the application asks, not Google; no grant to allUsers, which many organizations forbid"
  }
  assert {
    condition     = length(google_cloud_run_v2_service.this.template[0].vpc_access) == 0
    error_message = "without a private database there is no network"
  }
}
