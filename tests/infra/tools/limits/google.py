"""What the provider for Google Cloud checks itself and its descriptions do not list, for the resources that we use."""

from __future__ import annotations

from typing import Any

from tests.infra.tools.limits import Check, Limits, Wholes, between, cron, like, one_of, seconds

_MEMBER = like(
    r"(serviceAccount|user|group|domain|principal|principalSet|deleted):.+|allUsers|allAuthenticatedUsers|made-up-.*",
    "a member such as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com",
)
_ROLE = like(r"roles/[\w.]+|(projects|organizations)/[\w-]+/roles/[\w.]+", "a role such as roles/pubsub.publisher")
_MEMORY = like(r"\d+(\.\d+)?(Ki|Mi|Gi|k|M|G)", "an amount such as 512Mi")
_CPU = like(r"0?\.\d+|[1-8]|[1-9]\d{2,3}m|1000m", "a number of CPUs such as 1, or 500m")


def _bindings(*kinds: str) -> Limits:
    return {kind: {"role": _ROLE, "member": _MEMBER} for kind in kinds}


def _resources(where: str) -> dict[str, Check]:
    return {
        f"{where}.resources.limits": lambda limits: next(
            (
                wrong
                for name, check in (("memory", _MEMORY), ("cpu", _CPU))
                if isinstance(limits, dict) and isinstance(limits.get(name), str) and (wrong := check(limits[name]))
            ),
            "",
        )
    }


LIMITS: Limits = {
    **_bindings(
        "google_project_iam_member",
        "google_cloud_run_v2_service_iam_member",
        "google_cloud_run_v2_job_iam_member",
        "google_pubsub_topic_iam_member",
        "google_pubsub_subscription_iam_member",
        "google_secret_manager_secret_iam_member",
        "google_service_account_iam_member",
        "google_artifact_registry_repository_iam_member",
        "google_storage_bucket_iam_member",
    ),
    "google_service_account": {"account_id": like(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "6 to 30 letters, digits, hyphens")},
    "google_pubsub_topic": {"message_retention_duration": seconds(600, 31 * 86_400)},
    "google_pubsub_subscription": {
        "ack_deadline_seconds": between(10, 600),
        "message_retention_duration": seconds(600, 31 * 86_400),
        "retry_policy.minimum_backoff": seconds(0, 600),
        "retry_policy.maximum_backoff": seconds(0, 600),
        "dead_letter_policy.max_delivery_attempts": between(5, 100),
        "expiration_policy.ttl": lambda value: seconds(86_400, 1e9)(value) if value else "",
        "push_config.push_endpoint": like(r"https://.+", "an https:// address"),
    },
    "google_cloud_run_v2_service": {
        "template.timeout": seconds(1, 3600),
        "template.max_instance_request_concurrency": between(0, 1000),
        "scaling.min_instance_count": between(0, 1000),
        "name": like(r"[a-z]([a-z0-9-]{0,47}[a-z0-9])?", "up to 49 lower-case letters, digits and hyphens"),
        **_resources("template.containers"),
    },
    "google_cloud_run_v2_job": {
        "template.template.timeout": seconds(1, 7 * 86_400),
        "template.template.max_retries": between(0, 10),
        **_resources("template.template.containers"),
    },
    "google_cloud_scheduler_job": {
        "schedule": cron,
        "attempt_deadline": seconds(15, 1800),
        "http_target.http_method": one_of("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"),
        "retry_config.retry_count": between(0, 5),
    },
    "google_sql_database_instance": {
        "database_version": like(r"POSTGRES_\d+(_\d+)?", "a version such as POSTGRES_17"),
        "settings.tier": like(r"db-[\w-]+", "a size such as db-f1-micro or db-custom-2-7680"),
        "settings.edition": one_of("ENTERPRISE", "ENTERPRISE_PLUS"),
        "settings.availability_type": one_of("REGIONAL", "ZONAL"),
        "settings.disk_type": one_of("PD_SSD", "PD_HDD", "HYPERDISK_BALANCED"),
        "settings.activation_policy": one_of("ALWAYS", "NEVER", "ON_DEMAND"),
        "settings.ip_configuration.ssl_mode": one_of(
            "ALLOW_UNENCRYPTED_AND_ENCRYPTED", "ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
        ),
        "settings.backup_configuration.transaction_log_retention_days": between(1, 35),
    },
    "google_sql_user": {
        "type": one_of("BUILT_IN", "CLOUD_IAM_USER", "CLOUD_IAM_GROUP", "CLOUD_IAM_SERVICE_ACCOUNT"),
    },
    "google_monitoring_notification_channel": {
        "type": one_of("email", "sms", "slack", "pagerduty", "webhook_basicauth", "webhook_tokenauth", "pubsub"),
    },
    "google_logging_project_bucket_config": {"retention_days": between(1, 3650)},
    "google_service_networking_connection": {"service": like(r"[\w.-]+\.googleapis\.com", "servicenetworking…")},
}


def _public(config: Any) -> str:
    """Anyone may call http_chat, which asks who they are; nothing else is for everyone."""
    everyone = config.get("member") in ("allUsers", "allAuthenticatedUsers")
    return "only roles/run.invoker may be everyone's" if everyone and config.get("role") != "roles/run.invoker" else ""


WHOLES: Wholes = {kind: _public for kind, limits in LIMITS.items() if "member" in limits}
