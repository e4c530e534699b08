output "subscription" {
  description = "Name of the subscription that pushes."
  value       = google_pubsub_subscription.push.name
}

output "dead_subscription" {
  description = "Name of the subscription of the dead letters."
  value       = google_pubsub_subscription.dead.name
}
