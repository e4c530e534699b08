"""What every cloud's root calls its variables and outputs. Bicep has the same parameters, in camelCase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ANY = ...  # each cloud has its own default, or none


@dataclass(frozen=True)
class Word:
    """A variable that all roots have, but those in `not_in`."""

    type: str
    default: Any = ANY
    secret: bool = False  # sensitive and ephemeral: shown nowhere and kept nowhere
    checked: bool = True  # it has values that would be wrong, and says so
    not_in: tuple[str, ...] = ()


VARIABLES = {
    "name": Word("string", "agentcore"),
    "environment": Word("string", "dev"),
    "region": Word("string", not_in=("kubernetes",)),
    "namespace": Word("string", not_in=("azure", "aws", "gcp")),
    "image": Word("string"),
    "agents": Word("string", "agentcore.agents", checked=False),
    "model": Word("string", "", checked=False),
    "database": Word("string", "managed"),
    "database_url": Word("string", None, secret=True),
    "database_size": Word("string"),
    "bus": Word("string"),
    "compute": Word("string", not_in=("kubernetes",)),
    "auth": Word("string", "keys"),
    "oidc_issuer": Word("string", "", checked=False),
    "oidc_audience": Word("string", "", checked=False),
    "secrets": Word("map(string)", {}, secret=True, checked=False),
    "secret_names": Word("set(string)", []),
    "secrets_version": Word("number", 1, checked=False),
    "settings": Word("map(string)", {}),
    "wakeup_schedule": Word("string", "* * * * *"),
    "min_replicas": Word("number"),
    "max_replicas": Word("number", 10),
    "max_workers": Word("number", 10),
    "slice_seconds": Word("number"),
    "budget_monthly_usd": Word("number", 50, not_in=("kubernetes",)),
    "alert_emails": Word("list(string)", [], not_in=("kubernetes",)),
    "retention_days": Word("number", 30, not_in=("kubernetes",)),
    "deletion_protection": Word("bool", checked=False),
    "tags": Word("map(string)", {}, checked=False),
}

OUTPUTS = ("url", "environment_variables", "database_host", "bus_url", "migrate_command", "log_query")
