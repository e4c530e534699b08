# Each example plans.

mock_provider "kubernetes" {}
mock_provider "helm" {}

variables {
  image   = "registry.example.com/agentcore:1.0.0"
  secrets = { OPENAI_API_KEY = "sk-test" }
  context = "test"
}

run "minimal" {
  command = plan

  module {
    source = "./examples/minimal"
  }

  assert {
    condition     = output.agentcore.environment_variables.queue_worker.AGENTCORE_DATABASE_URL == "secret/agentcore-dev-services-postgres-app/uri"
    error_message = "a database in the cluster"
  }
}

run "production" {
  command = plan

  module {
    source = "./examples/production"
  }

  variables {
    database_url = "postgresql://u:p@db.example.com/agentcore?sslmode=verify-full"
  }

  assert {
    condition     = output.agentcore.url == "https://agents.example.com" && startswith(output.agentcore.bus_url, "amqp://agentcore-prod-services-rabbitmq.agents.svc")
    error_message = "a public name, and a broker in the cluster"
  }
}
