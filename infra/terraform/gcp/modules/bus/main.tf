# Pub/Sub: the topic, what pushes its messages to the worker, and the dead letters. The names are those that
# agentcore expects: TOPIC, TOPIC-dead, and a subscription of each by the same name.

locals {
  pubsub = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com" # Pub/Sub itself
}

resource "google_pubsub_topic" "this" {
  name   = var.topic
  labels = var.labels
}

resource "google_pubsub_topic" "dead" {
  name   = "${var.topic}-dead"
  labels = var.labels
}

resource "google_pubsub_subscription" "dead" {
  name                       = google_pubsub_topic.dead.name
  topic                      = google_pubsub_topic.dead.id
  labels                     = var.labels
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = "" # never: by default it goes after a month without a subscriber
  }
}

resource "google_pubsub_subscription" "push" {
  name                 = google_pubsub_topic.this.name
  topic                = google_pubsub_topic.this.id
  labels               = var.labels
  ack_deadline_seconds = 600

  push_config {
    push_endpoint = var.endpoint
    oidc_token {
      service_account_email = var.caller.email
      audience              = var.endpoint
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = var.delivery_attempts
  }

  expiration_policy {
    ttl = ""
  }

  depends_on = [google_service_account_iam_member.token] # else its first pushes are refused
}

resource "google_pubsub_topic_iam_member" "sends" {
  for_each = var.senders

  topic  = google_pubsub_topic.this.name
  role   = "roles/pubsub.publisher"
  member = each.value
}

resource "google_pubsub_topic_iam_member" "buries" {
  topic  = google_pubsub_topic.dead.name
  role   = "roles/pubsub.publisher"
  member = var.worker
}

# /readyz of http_chat looks whether both topics and the subscription are there.
resource "google_pubsub_topic_iam_member" "looks" {
  for_each = { this = google_pubsub_topic.this.name, dead = google_pubsub_topic.dead.name }

  topic  = each.value
  role   = "roles/pubsub.viewer"
  member = var.looker
}

resource "google_pubsub_subscription_iam_member" "looks" {
  subscription = google_pubsub_subscription.push.name
  role         = "roles/pubsub.viewer"
  member       = var.looker
}

# What Pub/Sub needs for its own part: to sign as the caller, and to move what was tried too often.
resource "google_service_account_iam_member" "token" {
  service_account_id = var.caller.id
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub
}

resource "google_pubsub_topic_iam_member" "moves" {
  topic  = google_pubsub_topic.dead.name
  role   = "roles/pubsub.publisher"
  member = local.pubsub
}

resource "google_pubsub_subscription_iam_member" "moves" {
  subscription = google_pubsub_subscription.push.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub
}
