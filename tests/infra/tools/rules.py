"""What is wrong with a configuration, beyond what Terraform itself finds by the schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.infra.tools import arm, iam, values
from tests.infra.tools.armtypes import Plain, problems
from tests.infra.tools.bindings import Block
from tests.infra.tools.limits import aws, azurerm, google

LIMITS = {**aws.LIMITS, **azurerm.LIMITS, **google.LIMITS}
WHOLES = {**aws.WHOLES, **azurerm.WHOLES, **google.WHOLES}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An error that Terraform shows at the line of `path`."""

    summary: str
    detail: str
    path: values.Path = ()


def findings(kind: str, schema: Block, config: Any) -> list[Finding]:
    """What is wrong with the configuration of a resource; values that are not known yet are passed over."""
    return [
        *_by_argument(kind, schema, config),
        *_by_whole(kind, config),
        *_by_policy(kind, schema, config),
        *_by_arm(kind, config),
    ]


def provider_findings(name: str, schema: Block, config: Any) -> list[Finding]:
    """The same of a provider's own block."""
    return findings(f"provider {name}", schema, config)


def _by_argument(kind: str, schema: Block, config: Any) -> Iterator[Finding]:
    limits = LIMITS.get(kind, {})
    for block, value, path in values.objects(schema, config):
        for name, attribute in block["attributes"].items():
            given, where = value.get(name), (*path, name)
            if given is None:
                continue
            if attribute.get("computed") and not attribute.get("optional"):
                yield Finding(summary="Argument that only the provider sets", detail=_dotted(kind, where), path=where)
            if values.is_unknown(given):
                continue
            allowed = attribute.get("values")
            if allowed and given != "" and given not in allowed:
                yield _bad(kind, where, f"{given!r} is not one of {', '.join(allowed)}")
            check = limits.get(".".join(step for step in where if isinstance(step, str)))
            if check and (wrong := check(given)):
                yield _bad(kind, where, wrong)


def _by_whole(kind: str, config: Any) -> Iterator[Finding]:
    check = WHOLES.get(kind)
    if check and isinstance(config, dict) and (wrong := check(config)):
        yield _bad(kind, (), wrong)


def _by_policy(kind: str, schema: Block, config: Any) -> Iterator[Finding]:
    for path, wrong in iam.findings(kind, schema, config):
        yield _bad(kind, path, wrong)


def _by_arm(kind: str, config: Any) -> Iterator[Finding]:
    """azapi sends bodies as they are: hold them against Azure's types."""
    if kind not in ("azapi_resource", "azapi_update_resource") or not isinstance(config.get("type"), str):
        return
    target, body = config["type"], config.get("body")
    name = target.partition("@")[0]  # of each type one version is known: bodies differ little from one to the next
    resource = arm.known(name)
    if resource is None:
        if name not in arm.UNTOLD:
            yield _bad(kind, ("type",), f"there is no type {name}")
        return
    if isinstance(body, list) and isinstance(body[1], dict):  # something untyped comes with its type before it
        partial = kind == "azapi_update_resource"
        for where, wrong in problems(resource, Plain(body[1]), existing=partial, body=True):
            yield _bad(kind, ("body",), f"{'.'.join(map(str, where))}: {wrong}")


def _bad(kind: str, path: values.Path, wrong: str) -> Finding:
    return Finding(summary="Value that the provider would refuse", detail=f"{_dotted(kind, path)}: {wrong}", path=path)


def _dotted(kind: str, path: values.Path) -> str:
    return ".".join([kind, *(step for step in path if isinstance(step, str))])
