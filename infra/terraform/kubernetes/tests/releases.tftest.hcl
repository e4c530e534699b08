# What the two charts are given, for each database and each bus.

mock_provider "kubernetes" {}
mock_provider "helm" {}

variables {
  image        = "registry.example.com/agentcore:1.0.0"
  secret_names = ["OPENAI_API_KEY"]
  secrets      = { OPENAI_API_KEY = "sk-test" }
}

run "everything_in_the_cluster" {
  command = plan

  assert {
    condition     = yamldecode(helm_release.services[0].values[0]).postgres.enabled && yamldecode(helm_release.agentcore.values[0]).secrets.AGENTCORE_DATABASE_URL == { name = "agentcore-dev-services-postgres-app", key = "uri" }
    error_message = "the database's URL is in the Secret that its operator writes"
  }
  assert {
    condition     = yamldecode(helm_release.agentcore.values[0]).networkPolicy.egress.database.to == [{ podSelector = { matchLabels = { "cnpg.io/cluster" = "agentcore-dev-services-postgres" } } }]
    error_message = "nothing else on port 5432 can be reached than the database"
  }
  assert {
    condition     = yamldecode(helm_release.services[0].values[0]).postgres.maxConnections >= (var.pool_size + 2) * (var.max_replicas + var.max_workers)
    error_message = "all pods at once have their connections"
  }
  assert {
    condition     = kubernetes_secret_v1.environment.data_wo == null && kubernetes_secret_v1.environment.data_wo_revision == 1
    error_message = "secrets are in no plan"
  }
  assert {
    condition     = !strcontains(helm_release.agentcore.values[0], "sk-test") && yamldecode(helm_release.agentcore.values[0]).existingSecret == "agentcore-dev-environment"
    error_message = "the chart hears the name of the Secret, not what is in it"
  }
  assert {
    condition     = kubernetes_namespace_v1.this[0].metadata[0].labels["pod-security.kubernetes.io/enforce"] == "baseline"
    error_message = "operators' pods fit into the namespace"
  }
  assert {
    condition     = helm_release.agentcore.atomic && helm_release.agentcore.timeout > 900
    error_message = "a failed migration brings the last release back, and Helm waits longer than it may take"
  }
  assert {
    condition     = output.url == "http://agentcore-dev.agentcore.svc" && output.database_host == "agentcore-dev-services-postgres-rw.agentcore.svc" && output.bus_url == "store://"
    error_message = "outputs name what the charts make"
  }
}

run "a_database_of_yours" {
  command = plan

  variables {
    database     = "external"
    database_url = "postgresql://u:p@db.example.com/agentcore?sslmode=verify-full"
  }

  assert {
    condition     = length(helm_release.services) == 0 && output.database_host == null
    error_message = "nothing is made for it"
  }
  assert {
    condition     = yamldecode(helm_release.agentcore.values[0]).secrets == {} && output.environment_variables.queue_worker.AGENTCORE_DATABASE_URL == "secret/agentcore-dev-environment/AGENTCORE_DATABASE_URL"
    error_message = "its URL is in the same Secret as the other secrets"
  }
  assert {
    condition     = kubernetes_namespace_v1.this[0].metadata[0].labels["pod-security.kubernetes.io/enforce"] == "restricted"
    error_message = "our own pods alone keep to the strictest standard"
  }
}

run "rabbitmq_in_the_cluster" {
  command = plan

  variables {
    bus               = "rabbitmq"
    high_availability = true
  }

  assert {
    condition     = yamldecode(helm_release.services[0].values[0]).rabbitmq == { enabled = true, replicas = 3 } && !yamldecode(helm_release.services[0].values[0]).kafka.enabled
    error_message = "a quorum of RabbitMQ, and no other broker"
  }
  assert {
    condition     = yamldecode(helm_release.agentcore.values[0]).bus == { url = "amqp://agentcore-dev-services-rabbitmq.agentcore.svc/agentcore", signIn = "password" } && yamldecode(helm_release.agentcore.values[0]).secrets.AGENTCORE_BUS_PASSWORD.name == "agentcore-dev-services-rabbitmq-user-credentials"
    error_message = "workers sign in as the user that may use the queue, and no more"
  }
}

run "kafka_in_the_cluster" {
  command = plan

  variables {
    bus         = "kafka"
    max_workers = 24
    worker      = "scaledjob"
    min_workers = 0
  }

  assert {
    condition     = yamldecode(helm_release.services[0].values[0]).kafka.partitions == 24
    error_message = "a partition for each worker"
  }
  assert {
    condition     = strcontains(yamldecode(helm_release.agentcore.values[0]).bus.url, "security.protocol=SASL_SSL") && yamldecode(helm_release.agentcore.values[0]).certificates == "agentcore-dev-services-kafka-cluster-ca-cert"
    error_message = "TLS, with the cluster's own authority"
  }
  assert {
    condition     = yamldecode(helm_release.agentcore.values[0]).worker.keda.parameters == [{ key = "ca.crt", name = "agentcore-dev-services-kafka-cluster-ca-cert", parameter = "ca" }]
    error_message = "KEDA knows that authority too"
  }
}

run "service_bus" {
  command = plan

  variables {
    bus     = "servicebus"
    bus_url = "servicebus://acme/agentcore"
  }

  assert {
    condition     = yamldecode(helm_release.agentcore.values[0]).bus == { url = "servicebus://acme/agentcore", signIn = "identity" }
    error_message = "without a connection string the pods sign in as themselves"
  }
}

run "a_broker_of_yours" {
  command = plan

  variables {
    database     = "external"
    database_url = "postgresql://u:p@db.example.com/agentcore"
    bus          = "rabbitmq"
    bus_url      = "amqps://rabbit.example.com/agents/agentcore"
    secret_names = ["AGENTCORE_BUS_USERNAME", "AGENTCORE_BUS_PASSWORD"]
    secrets      = { AGENTCORE_BUS_USERNAME = "u", AGENTCORE_BUS_PASSWORD = "p" }
  }

  assert {
    condition     = length(helm_release.services) == 0 && yamldecode(helm_release.agentcore.values[0]).bus.signIn == "password" && output.environment_variables.http_chat.AGENTCORE_BUS_PASSWORD == "secret/agentcore-dev-environment/AGENTCORE_BUS_PASSWORD"
    error_message = "it is signed in to with what secrets have"
  }
}

run "limits" {
  command = plan

  variables {
    worker        = "scaledjob"
    min_workers   = 2
    slice_seconds = 1200
  }

  assert {
    condition     = yamldecode(helm_release.agentcore.values[0]).sliceSeconds == 1200 && yamldecode(helm_release.agentcore.values[0]).worker.jobSeconds > 1200
    error_message = "a job has time for a whole slice"
  }
  assert {
    condition     = yamldecode(helm_release.agentcore.values[0]).worker.minJobs == 2 && yamldecode(helm_release.agentcore.values[0]).worker.maxJobs == 10
    error_message = "as many jobs as asked for"
  }
}

run "data_stays" {
  command = plan

  variables {
    deletion_protection = true
    create_namespace    = false
  }

  assert {
    condition     = yamldecode(helm_release.services[0].values[0]).keep && length(kubernetes_namespace_v1.this) == 0
    error_message = "neither the services nor their namespace are destroyed"
  }
}
