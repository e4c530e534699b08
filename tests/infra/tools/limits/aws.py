"""What the provider for AWS checks itself, for the resources that we use."""

from __future__ import annotations

from typing import Any

from tests.infra.tools.limits import Limits, Wholes, as_json, between, each, like, one_of
from tests.infra.tools.values import is_unknown

_ALARMS = one_of(
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
)
_SCHEDULE = like(
    r"rate\((1 (minute|hour|day)|\d+ (minutes|hours|days))\)|cron\(\S+( \S+){5}\)|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)",
    "a schedule such as rate(5 minutes), rate(1 hour), cron(0 12 * * ? *) with six fields, or at(2030-01-01T00:00:00)",
)
_ARN = like(r"arn:aws[\w-]*:[\w-]*:[\w-]*:\w*:.+|made-up-.*", "an ARN")
_CPU = {
    256: {512, 1024, 2048},
    512: set(range(1024, 4096 + 1, 1024)),
    1024: set(range(2048, 8192 + 1, 1024)),
    2048: set(range(4096, 16384 + 1, 1024)),
    4096: set(range(8192, 30720 + 1, 1024)),
    8192: set(range(16384, 61440 + 1, 4096)),
    16384: set(range(32768, 122880 + 1, 8192)),
}

LIMITS: Limits = {
    "aws_lambda_function": {
        "architectures": each(one_of("x86_64", "arm64")),
        "package_type": one_of("Zip", "Image"),
        "timeout": between(1, 900),
        "memory_size": between(128, 32768),
        "reserved_concurrent_executions": between(-1, 100_000),
        "ephemeral_storage.size": between(512, 10240),
        "tracing_config.mode": one_of("Active", "PassThrough"),
        "logging_config.log_format": one_of("JSON", "Text"),
        "logging_config.application_log_level": one_of("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
        "logging_config.system_log_level": one_of("DEBUG", "INFO", "WARN"),
        "role": _ARN,
    },
    "aws_lambda_function_url": {
        "authorization_type": one_of("AWS_IAM", "NONE"),
        "invoke_mode": one_of("BUFFERED", "RESPONSE_STREAM"),
    },
    "aws_lambda_event_source_mapping": {
        "batch_size": between(1, 10_000),
        "maximum_batching_window_in_seconds": between(0, 300),
        "function_response_types": each(one_of("ReportBatchItemFailures")),
        "scaling_config.maximum_concurrency": between(2, 1000),
    },
    "aws_lambda_permission": {"function_url_auth_type": one_of("AWS_IAM", "NONE")},
    "aws_sqs_queue": {
        "visibility_timeout_seconds": between(0, 43_200),
        "message_retention_seconds": between(60, 1_209_600),
        "receive_wait_time_seconds": between(0, 20),
        "delay_seconds": between(0, 900),
        "max_message_size": between(1024, 1_048_576),
        "redrive_policy": as_json("deadLetterTargetArn", "maxReceiveCount"),
        "redrive_allow_policy": as_json("redrivePermission"),
    },
    "aws_scheduler_schedule": {
        "schedule_expression": _SCHEDULE,
        "state": one_of("ENABLED", "DISABLED"),
        "flexible_time_window.mode": one_of("OFF", "FLEXIBLE"),
        "flexible_time_window.maximum_window_in_minutes": between(1, 1440),
        "target.retry_policy.maximum_retry_attempts": between(0, 185),
        "target.retry_policy.maximum_event_age_in_seconds": between(60, 86_400),
        "target.ecs_parameters.launch_type": one_of("EC2", "FARGATE", "EXTERNAL"),
        "target.arn": _ARN,
        "target.role_arn": _ARN,
    },
    "aws_cloudwatch_log_group": {
        "retention_in_days": one_of(
            0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
        )
    },
    "aws_cloudwatch_metric_alarm": {
        "comparison_operator": _ALARMS,
        "statistic": one_of("SampleCount", "Average", "Sum", "Minimum", "Maximum"),
        "treat_missing_data": one_of("breaching", "notBreaching", "ignore", "missing"),
        "evaluation_periods": between(1, 86_400),
    },
    "aws_db_instance": {
        "backup_retention_period": between(0, 35),
        "monitoring_interval": one_of(0, 1, 5, 10, 15, 30, 60),
        "storage_type": one_of("standard", "gp2", "gp3", "io1", "io2"),
        "performance_insights_retention_period": lambda days: (
            "" if days in (7, 731) or (days % 31 == 0 and days <= 713) else f"{days} is not 7, 731 or a multiple of 31"
        ),
        "instance_class": like(r"db\.\w+\.\w+", "a class such as db.t4g.micro"),
    },
    "aws_rds_cluster": {
        "engine": one_of("aurora-mysql", "aurora-postgresql", "mysql", "postgres"),
        "engine_mode": one_of("provisioned", "serverless", "global", "multimaster", "parallelquery", ""),
        "backup_retention_period": between(1, 35),
        "serverlessv2_scaling_configuration.min_capacity": between(0, 256),
        "serverlessv2_scaling_configuration.max_capacity": between(1, 256),
        "serverlessv2_scaling_configuration.seconds_until_auto_pause": between(300, 86_400),
    },
    "aws_ecs_task_definition": {
        "network_mode": one_of("awsvpc", "bridge", "host", "none"),
        "requires_compatibilities": each(one_of("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES")),
        "runtime_platform.cpu_architecture": one_of("X86_64", "ARM64"),
        "runtime_platform.operating_system_family": like(r"LINUX|WINDOWS_SERVER_\w+", "an operating system of ECS"),
        "container_definitions": lambda text: as_json()(text) if isinstance(text, str) else "",
    },
    "aws_ecs_service": {
        "launch_type": one_of("EC2", "FARGATE", "EXTERNAL"),
        "scheduling_strategy": one_of("REPLICA", "DAEMON"),
        "propagate_tags": one_of("SERVICE", "TASK_DEFINITION", "NONE"),
    },
    "aws_lb": {"load_balancer_type": one_of("application", "gateway", "network")},
    "aws_lb_target_group": {
        "protocol": one_of("GENEVE", "HTTP", "HTTPS", "TCP", "TCP_UDP", "TLS", "UDP"),
        "target_type": one_of("alb", "instance", "ip", "lambda"),
        "deregistration_delay": lambda value: between(0, 3600)(float(value)),
    },
    "aws_appautoscaling_policy": {"policy_type": one_of("StepScaling", "TargetTrackingScaling", "PredictiveScaling")},
    "aws_budgets_budget": {
        "budget_type": one_of("USAGE", "COST", "RI_UTILIZATION", "RI_COVERAGE", "SAVINGS_PLANS_UTILIZATION",
                              "SAVINGS_PLANS_COVERAGE"),
        "time_unit": one_of("DAILY", "MONTHLY", "QUARTERLY", "ANNUALLY"),
        "notification.comparison_operator": one_of("GREATER_THAN", "LESS_THAN", "EQUAL_TO"),
        "notification.threshold_type": one_of("PERCENTAGE", "ABSOLUTE_VALUE"),
        "notification.notification_type": one_of("ACTUAL", "FORECASTED"),
    },
    "aws_ecr_repository": {
        "image_tag_mutability": one_of("MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"),
        "encryption_configuration.encryption_type": one_of("AES256", "KMS", "KMS_DSSE"),
    },
    "aws_secretsmanager_secret": {"recovery_window_in_days": lambda d: "" if d == 0 else between(7, 30)(d)},
    "aws_kms_key": {"deletion_window_in_days": between(7, 30)},
    "aws_sns_topic_subscription": {
        "protocol": one_of("application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs")
    },
    "aws_vpc_endpoint": {
        "vpc_endpoint_type": one_of("Gateway", "GatewayLoadBalancer", "Interface", "Resource", "ServiceNetwork")
    },
    "aws_iam_role": {"max_session_duration": between(3600, 43_200)},
}  # fmt: skip


def _function(config: Any) -> str:
    """A function of Lambda has its code in exactly one place."""
    image = config.get("package_type") == "Image"
    if image and config.get("image_uri") is None:
        return "package_type Image needs an image_uri"
    if image and any(config.get(name) is not None for name in ("runtime", "handler")):
        return "an image brings its own runtime and handler"
    if not image and not is_unknown(config.get("package_type")) and config.get("runtime") is None:
        return "runtime is missing"
    return ""


def _task(config: Any) -> str:
    """Fargate takes some sizes only."""
    cpu, memory = config.get("cpu"), config.get("memory")
    if "FARGATE" not in (config.get("requires_compatibilities") or []):
        return ""
    if not (isinstance(cpu, str) and isinstance(memory, str)):
        return "" if is_unknown(cpu) or is_unknown(memory) else "Fargate needs cpu and memory"
    allowed = _CPU.get(int(cpu), set())
    return "" if int(memory) in allowed else f"Fargate has no size of cpu {cpu} and memory {memory}"


def _window(config: Any) -> str:
    windows = config.get("flexible_time_window")
    window = windows[0] if isinstance(windows, list) and windows and isinstance(windows[0], dict) else {}
    if window.get("mode") == "FLEXIBLE" and window.get("maximum_window_in_minutes") is None:
        return "a FLEXIBLE window needs maximum_window_in_minutes"
    return ""


WHOLES: Wholes = {
    "aws_lambda_function": _function,
    "aws_ecs_task_definition": _task,
    "aws_scheduler_schedule": _window,
}
