# Pub/Sub: dead letters, deadlines, and who may do what.

mock_provider "google" {}

run "wired" {
  command = apply

  module {
    source = "./modules/bus"
  }

  variables {
    topic             = "agentcore-dev-runs"
    project_number    = "4711"
    endpoint          = "https://agentcore-dev-worker-4711.europe-west1.run.app"
    caller            = { id = "projects/acme/serviceAccounts/caller", email = "caller@acme.iam.gserviceaccount.com" }
    senders           = { http_chat = "serviceAccount:api", queue_worker = "serviceAccount:worker", timer_wakeup = "serviceAccount:timer" }
    worker            = "serviceAccount:worker"
    looker            = "serviceAccount:api"
    delivery_attempts = 20
    labels            = {}
  }

  assert {
    condition     = google_pubsub_topic.dead.name == "${google_pubsub_topic.this.name}-dead" && google_pubsub_subscription.push.name == google_pubsub_topic.this.name
    error_message = "the names are those that agentcore expects"
  }
  assert {
    condition     = google_pubsub_subscription.push.ack_deadline_seconds == 600
    error_message = "Pub/Sub waits as long as it can"
  }
  assert {
    condition     = google_pubsub_subscription.push.push_config[0].oidc_token[0].service_account_email == "caller@acme.iam.gserviceaccount.com" && google_pubsub_subscription.push.push_config[0].oidc_token[0].audience == google_pubsub_subscription.push.push_config[0].push_endpoint
    error_message = "pushes carry a token that is meant for the worker"
  }
  assert {
    condition     = google_pubsub_subscription.push.dead_letter_policy[0].dead_letter_topic == google_pubsub_topic.dead.id && google_pubsub_subscription.push.dead_letter_policy[0].max_delivery_attempts > 10
    error_message = "agentcore gives up first, after ten attempts, as it says why"
  }
  assert {
    condition     = alltrue([for one in [google_pubsub_subscription.push, google_pubsub_subscription.dead] : one.expiration_policy[0].ttl == ""])
    error_message = "subscriptions do not end by themselves"
  }
  assert {
    condition     = alltrue([for one in google_pubsub_topic_iam_member.sends : one.role == "roles/pubsub.publisher"]) && google_pubsub_topic_iam_member.buries.member == "serviceAccount:worker" && google_pubsub_topic_iam_member.buries.role == "roles/pubsub.publisher"
    error_message = "all send, and the worker alone puts messages aside"
  }
  assert {
    condition     = alltrue([for one in concat(values(google_pubsub_topic_iam_member.looks), [google_pubsub_subscription_iam_member.looks]) : one.role == "roles/pubsub.viewer"])
    error_message = "/readyz only looks"
  }
  assert {
    condition     = alltrue([for one in [google_pubsub_topic_iam_member.moves, google_pubsub_subscription_iam_member.moves, google_service_account_iam_member.token] : one.member == "serviceAccount:service-4711@gcp-sa-pubsub.iam.gserviceaccount.com"])
    error_message = "Pub/Sub itself may move messages to the dead letters, and sign as the caller"
  }
}
