"""What the provider for Azure checks itself, for the resources that we use."""

from __future__ import annotations

from typing import Any

from tests.infra.tools.limits import Check, Limits, Wholes, between, cron, iso8601, like, one_of
from tests.infra.tools.values import is_unknown

_IDENTITY = one_of("SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned")
_OPERATORS = one_of("Equals", "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual")
_FREQUENCY = one_of("PT1M", "PT5M", "PT15M", "PT30M", "PT1H")
_WINDOW = one_of("PT1M", "PT5M", "PT15M", "PT30M", "PT1H", "PT6H", "PT12H", "P1D")


_QUARTERS = {number / 4 for number in range(1, 17)}


def _containers(where: str) -> dict[str, Check]:
    """What a container of an app or a job allows, and its probes."""
    limits: dict[str, Check] = {
        f"{where}.cpu": lambda cpu: "" if float(cpu) in _QUARTERS else f"{cpu} is no step of 0.25",
        f"{where}.memory": like(r"\d+(\.\d+)?Gi", "an amount such as 0.5Gi"),
        f"{where}.name": like(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", "lower-case letters, digits and hyphens"),
    }
    for probe in ("liveness_probe", "readiness_probe", "startup_probe"):
        limits[f"{where}.{probe}.transport"] = one_of("TCP", "HTTP", "HTTPS")
        limits[f"{where}.{probe}.failure_count_threshold"] = between(1, 30)
        limits[f"{where}.{probe}.interval_seconds"] = between(1, 240)
        limits[f"{where}.{probe}.timeout"] = between(1, 240)
        limits[f"{where}.{probe}.initial_delay"] = between(0, 60)
    return limits


LIMITS: Limits = {
    "provider azurerm": {
        "resource_provider_registrations": one_of("none", "legacy", "core", "extended", "all"),
    },
    "azurerm_servicebus_namespace": {
        "sku": one_of("Basic", "Standard", "Premium"),
        "minimum_tls_version": one_of("1.2"),
        "identity.type": _IDENTITY,
    },
    "azurerm_servicebus_queue": {
        "lock_duration": iso8601("PT5S", "PT5M"),
        "default_message_ttl": iso8601("PT1S", "P10675199D"),
        "auto_delete_on_idle": iso8601("PT5M", "P10675199D"),
        "duplicate_detection_history_time_window": iso8601("PT20S", "P7D"),
        "max_delivery_count": between(1, 2000),
        "max_size_in_megabytes": one_of(1024, 2048, 3072, 4096, 5120, 10240, 20480, 40960, 81920),
        "status": one_of("Active", "Creating", "Deleting", "Disabled", "ReceiveDisabled", "SendDisabled", "Renaming"),
    },
    "azurerm_eventhub_namespace": {
        "sku": one_of("Basic", "Standard", "Premium"),
        "minimum_tls_version": one_of("1.2"),
        "capacity": between(1, 100),
        "maximum_throughput_units": between(0, 40),
    },
    "azurerm_eventhub": {
        "partition_count": between(1, 1024),
        "retention_description.cleanup_policy": one_of("Delete", "Compact"),
        "retention_description.retention_time_in_hours": between(1, 2160),
    },
    "azurerm_postgresql_flexible_server": {
        "version": one_of("11", "12", "13", "14", "15", "16", "17", "18"),
        "sku_name": like(r"(B|GP|MO)_Standard_\w+", "a size such as B_Standard_B1ms or GP_Standard_D2s_v3"),
        "storage_mb": one_of(
            32768, 65536, 131072, 262144, 524288, 1048576, 2097152, 4193280, 4194304, 8388608, 16777216, 33553408
        ),
        "storage_tier": like(r"P(4|6|10|15|20|30|40|50|60|70|80)", "a tier such as P10"),
        "backup_retention_days": between(7, 35),
        "create_mode": one_of("Default", "GeoRestore", "PointInTimeRestore", "Replica", "ReviveDropped", "Update"),
        "high_availability.mode": one_of("SameZone", "ZoneRedundant"),
        "zone": one_of("1", "2", "3"),
        "maintenance_window.day_of_week": between(0, 6),
        "maintenance_window.start_hour": between(0, 23),
    },
    "azurerm_postgresql_flexible_server_active_directory_administrator": {
        "principal_type": one_of("Group", "ServicePrincipal", "User"),
    },
    "azurerm_container_app": {
        "revision_mode": one_of("Single", "Multiple"),
        "template.min_replicas": between(0, 1000),
        "template.max_replicas": between(1, 1000),
        "template.termination_grace_period_seconds": between(0, 600),
        "ingress.transport": one_of("auto", "http", "http2", "tcp"),
        "ingress.traffic_weight.percentage": between(0, 100),
        "identity.type": _IDENTITY,
        **_containers("template.container"),
    },
    "azurerm_container_app_job": {
        "replica_timeout_in_seconds": between(1, 604_800),
        "schedule_trigger_config.cron_expression": cron,
        "event_trigger_config.scale.polling_interval_in_seconds": between(1, 86_400),
        "identity.type": _IDENTITY,
        **_containers("template.container"),
    },
    "azurerm_key_vault": {
        "sku_name": one_of("standard", "premium"),
        "soft_delete_retention_days": between(7, 90),
        "network_acls.default_action": one_of("Allow", "Deny"),
        "network_acls.bypass": one_of("None", "AzureServices"),
    },
    "azurerm_log_analytics_workspace": {
        "sku": one_of("PerGB2018", "PerNode", "Premium", "Standalone", "Standard", "CapacityReservation", "LACluster"),
        "retention_in_days": lambda days: "" if days == 7 else between(30, 730)(days),
    },
    "azurerm_application_insights": {
        "application_type": one_of(
            "ios", "java", "MobileCenter", "Node.JS", "other", "phone", "store", "web"
        ),
        "retention_in_days": one_of(30, 60, 90, 120, 180, 270, 365, 550, 730),
    },
    "azurerm_container_registry": {"sku": one_of("Basic", "Standard", "Premium")},
    "azurerm_storage_account": {
        "account_tier": one_of("Standard", "Premium"),
        "account_replication_type": one_of("LRS", "GRS", "RAGRS", "ZRS", "GZRS", "RAGZRS"),
        "min_tls_version": one_of("TLS1_2", "TLS1_3"),
        "account_kind": one_of("BlobStorage", "BlockBlobStorage", "FileStorage", "Storage", "StorageV2"),
    },
    "azurerm_storage_container": {"container_access_type": one_of("private", "blob", "container")},
    "azurerm_service_plan": {"os_type": one_of("Linux", "Windows", "WindowsContainer")},
    "azurerm_function_app_flex_consumption": {
        "runtime_name": one_of("node", "dotnet-isolated", "powershell", "python", "java", "custom"),
        "instance_memory_in_mb": one_of(512, 2048, 4096),
        "maximum_instance_count": between(1, 1000),
        "storage_container_type": one_of("blobContainer"),
        "storage_authentication_type": one_of(
            "StorageAccountConnectionString", "SystemAssignedIdentity", "UserAssignedIdentity"
        ),
    },
    "azurerm_consumption_budget_resource_group": {
        "time_grain": one_of("BillingAnnual", "BillingMonth", "BillingQuarter", "Annually", "Monthly", "Quarterly"),
        "time_period.start_date": like(r"\d{4}-\d\d-01T00:00:00Z", "the first of a month, as 2030-01-01T00:00:00Z"),
        "notification.operator": one_of("EqualTo", "GreaterThan", "GreaterThanOrEqualTo"),
        "notification.threshold": between(0, 1000),
        "notification.threshold_type": one_of("Actual", "Forecasted"),
    },
    "azurerm_monitor_metric_alert": {
        "frequency": _FREQUENCY,
        "window_size": _WINDOW,
        "severity": between(0, 4),
        "criteria.operator": _OPERATORS,
        "criteria.aggregation": one_of("Average", "Count", "Minimum", "Maximum", "Total"),
    },
    "azurerm_monitor_scheduled_query_rules_alert_v2": {
        "severity": between(0, 4),
        "evaluation_frequency": iso8601("PT1M", "P1D"),
        "window_duration": iso8601("PT1M", "P2D"),
        "criteria.operator": one_of("Equal", "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual"),
        "criteria.time_aggregation_method": one_of("Average", "Count", "Maximum", "Minimum", "Total"),
    },
    "azurerm_network_security_rule": {
        "direction": one_of("Inbound", "Outbound"),
        "access": one_of("Allow", "Deny"),
        "protocol": one_of("Ah", "Esp", "Icmp", "Tcp", "Udp", "*"),
        "priority": between(100, 4096),
    },
    "azurerm_management_lock": {"lock_level": one_of("CanNotDelete", "ReadOnly")},
    "azurerm_role_assignment": {
        "principal_type": one_of("User", "Group", "ServicePrincipal"),
        "role_definition_name": one_of(
            "AcrPull", "AcrPush", "Azure Event Hubs Data Owner", "Azure Event Hubs Data Receiver",
            "Azure Event Hubs Data Sender", "Azure Service Bus Data Owner", "Azure Service Bus Data Receiver",
            "Azure Service Bus Data Sender", "Cognitive Services OpenAI User", "Container Registry Repository Reader",
            "Key Vault Secrets Officer", "Key Vault Secrets User", "Monitoring Metrics Publisher",
            "Storage Blob Data Contributor", "Storage Blob Data Owner", "Storage Blob Data Reader",
            "Storage Queue Data Contributor", "Storage Table Data Contributor",
        ),
    },
    "azurerm_application_insights_standard_web_test": {
        "frequency": one_of(300, 600, 900),
        "timeout": between(1, 120),
    },
}  # fmt: skip


def _features(config: Any) -> str:
    features = config.get("features")
    return "" if is_unknown(features) or (features and len(features) == 1) else "one features {} block must be there"


def _server(config: Any) -> str:
    """A server within a network is not public."""
    private = config.get("delegated_subnet_id") is not None
    if private and config.get("public_network_access_enabled") is not False:
        return "public_network_access_enabled must be false where delegated_subnet_id is set"
    if private and config.get("private_dns_zone_id") is None:
        return "delegated_subnet_id needs a private_dns_zone_id"
    return ""


def _job(config: Any) -> str:
    triggers = [config[name] for name in config if name.endswith("_trigger_config")]
    one = any(map(is_unknown, triggers)) or sum(map(bool, triggers)) == 1
    return "" if one else "exactly one of manual, event and schedule_trigger_config must be there"


WHOLES: Wholes = {
    "provider azurerm": _features,
    "azurerm_postgresql_flexible_server": _server,
    "azurerm_container_app_job": _job,
}
