"""What a provider would have decided: made up, but of the right type and of a form that HCL can take apart."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.infra.tools.bindings import Block, attribute_type
from tests.infra.tools.values import Fill, Path

ACCOUNT, REGION, ZERO = "123456789012", "eu-west-1", "00000000-0000-0000-0000-000000000000"
GROUP = f"/subscriptions/{ZERO}/resourceGroups/made-up/providers"

_KNOWN: dict[tuple[str, str], Any] = {
    ("aws_availability_zones", "names"): [f"{REGION}{letter}" for letter in "abc"],
    ("aws_caller_identity", "account_id"): ACCOUNT,
    ("aws_partition", "partition"): "aws",
    ("aws_partition", "dns_suffix"): "amazonaws.com",
    ("aws_region", "region"): REGION,
    ("aws_region", "name"): REGION,
    ("aws_secretsmanager_secret_version", "secret_string"): '{"PGPASSWORD": "hidden"}',  # as the root wrote it
    ("google_project", "number"): ACCOUNT,
    ("google_project", "project_id"): "made-up",
    ("azurerm_client_config", "tenant_id"): ZERO,
    ("azurerm_client_config", "subscription_id"): ZERO,
}


def of(kind: str, config: Any) -> Fill:
    """Fill for a resource of this kind: the same for the same resource, other for another."""
    given = config.get("name") if isinstance(config, dict) else None
    name = given if isinstance(given, str) else ""

    def fill(attribute: Block, path: Path) -> Any:
        if len(path) == 1 and (kind, path[0]) in _KNOWN:
            return _KNOWN[kind, str(path[0])]
        unique = hashlib.sha256(f"{kind} {name} {path}".encode()).hexdigest()[:12]
        if kind.startswith("azapi_") and path == ("output",):
            return _exported(config, unique)
        if len(path) == 1 and attribute_type(attribute) == "string":
            return _identifier(kind, str(path[0]), name, unique) or f"made-up-{unique}"
        return _typed(attribute_type(attribute), f"made-up-{unique}")

    return fill


def _identifier(kind: str, attribute: str, name: str, unique: str) -> str:
    cloud, _, noun = kind.partition("_")
    named = name or unique
    if cloud == "aws" and (attribute == "arn" or attribute.endswith("_arn")):
        return f"arn:aws:{noun.split('_')[0]}:{REGION}:{ACCOUNT}:{named}"
    if cloud in ("azurerm", "azapi") and attribute == "id":
        return f"{GROUP}/Microsoft.{noun.split('_')[0].capitalize()}/{noun}/{named}"
    if cloud == "google" and attribute == "id":
        return f"projects/made-up/locations/{REGION}/{noun}/{named}"
    if attribute in ("url", "uri") or attribute.endswith(("_url", "_uri")):
        return f"https://{unique}.example.com/"
    return ""


def _exported(config: Any, text: str) -> Any:
    """What azapi reads of an answer, by the names that response_export_values gives."""
    asked = config.get("response_export_values") if isinstance(config, dict) else None  # none when it is destroyed
    names = list(asked[1]) if isinstance(asked, list) and isinstance(asked[1], dict) else []
    kind = json.dumps(["object", dict.fromkeys(names, "string")]).encode()
    return [kind, {name: f"made-up-{text}-{name}" for name in names}]


def _typed(kind: Any, text: str) -> Any:
    """A value of a type; lists have one element, so that `[0]` works."""
    if isinstance(kind, str):
        return {"string": text, "number": 1, "bool": False, "dynamic": [b'"string"', text]}[kind]
    if kind[0] in ("list", "set"):
        return [_typed(kind[1], text)]
    if kind[0] == "map":
        return {}
    return {name: _typed(inner, f"{text}-{name}") for name, inner in kind[1].items()}
