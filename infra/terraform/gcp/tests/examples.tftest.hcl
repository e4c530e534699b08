# Each example plans.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { id = "projects/acme", number = "4711", billing_account = "0000-1111" }
  }
}

variables {
  project = "acme"
  image   = "europe-west1-docker.pkg.dev/acme/agentcore-dev/agentcore:1.0"
}

run "minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }

  variables {
    openai_api_key = "sk"
  }

  assert {
    condition     = output.image_repository == "europe-west1-docker.pkg.dev/acme/agentcore-dev"
    error_message = "it says where the image goes"
  }
}

run "production" {
  command = plan

  module {
    source = "./examples/production"
  }

  variables {
    agents        = "my_agents"
    secrets       = { OPENAI_API_KEY = "sk", AGENTCORE_WEBHOOK_SECRETS = "whsec_eA==" }
    oidc_issuer   = "https://login.example.com/"
    oidc_audience = "https://agents.example.com"
    alert_emails  = ["ops@example.com"]
  }

  assert {
    condition     = output.image_repository == "europe-west1-docker.pkg.dev/acme/agentcore-prod"
    error_message = "it says where the image goes"
  }
}
