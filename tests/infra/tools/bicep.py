"""python -m tests.infra.tools.bicep FILE…: what is wrong with files of Bicep, a line each; 1 if there is any.

Syntax, names, functions, modules with their parameters and outputs, parameter files, and the bodies of resources
against Azure's own types. It is no compiler: expressions have no types beyond the obvious, and nothing asks Azure.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tree_sitter import Node

from tests.infra.tools import arm, armtypes
from tests.infra.tools.bicepmodules import Wrong, modules, near, passed
from tests.infra.tools.biceporder import order
from tests.infra.tools.bicepsecrets import secrets
from tests.infra.tools.biceptree import Declaration, File, literal, parse, text, walk
from tests.infra.tools.bicepvalues import Expression, reads

_NAMESPACES = {"az", "sys"}
# https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions, and what decorates
_FUNCTIONS = set(
    re.findall(
        r"\w+",
        """
        any array base64 base64ToJson base64ToString bool buildUri cidrHost cidrSubnet coalesce concat
        contains createArray createObject dataUri dataUriToString dateTimeAdd dateTimeFromEpoch
        dateTimeToEpoch deployer deployment distinct empty endsWith environment extensionResourceId
        externalInput fail filter first flatten format getSecret groupBy guid indexFromEnd indexOf int
        intersection items join json last lastIndexOf length listKeys loadDirectoryFileInfo loadFileAsBase64
        loadJsonContent loadTextContent loadYamlContent managementGroup managementGroupResourceId map
        mapValues max min nameof newGuid objectKeys padLeft parseCidr parseUri pickZones providers range
        readCliArg readEnvironmentVariable reduce reference replace resourceGroup resourceId shallowMerge skip
        sort split startsWith string subscription subscriptionResourceId substring take tenant
        tenantResourceId toLogicalZone toLogicalZones toLower toObject toPhysicalZone toPhysicalZones toUpper
        trim tryGet union uniqueString uri uriComponent uriComponentToString utcNow allowed batchSize
        description discriminator export maxLength maxValue metadata minLength minValue onlyIfNotExists
        retryOn sealed secure secureValue waitUntil
        """,
    )
)


def check(path: Path) -> list[Wrong]:
    file = parse(path)
    found = list(_syntax(file.root))
    if found:
        return found  # what follows would only repeat it
    found += [(node, f"{text(node)} is declared twice") for node in file.doubles]
    found += [*_names(file), *_resources(file), *modules(file), *_reads(file), *order(file)]
    found += _given(file) if path.suffix == ".bicepparam" else [*_unused(file), *secrets(file)]
    return sorted(found, key=lambda wrong: wrong[0].start_point)


def _syntax(node: Node) -> Iterator[Wrong]:
    if node.type == "ERROR" or node.is_missing:
        yield node, "this is not Bicep"
    elif node.has_error:
        for child in node.children:
            yield from _syntax(child)


def _names(file: File) -> Iterator[Wrong]:
    """Names that nothing declares, and functions that there are not."""
    local = {text(n) for n in walk(file.root) if n.type in ("loop_variable", "loop_enumerator")}
    for node in walk(file.root):
        if node.type == "for_statement":
            local |= {text(c) for c in [node.child_by_field_name("initializer")] if c and c.type == "identifier"}
        if node.type == "lambda_expression":
            local |= {text(c) for c in walk(node.children[0]) if c.type == "identifier"}
        if node.type == "parameters":
            local |= {text(p.children[0]) for p in node.children if p.type == "parameter"}
    declared = {d.name for d in file.declared.values() if d.kind != "output"}
    for node in walk(file.root):
        if node.type != "identifier" or not _is_use(node):
            continue
        name, parent = text(node), node.parent
        if parent is not None and parent.type == "call_expression" and parent.children[0] == node:
            if name not in _FUNCTIONS | declared:
                yield node, f"there is no function {name}{near(name, _FUNCTIONS)}"
        elif name not in declared | local | _NAMESPACES:
            yield node, f"nothing is called {name}{near(name, declared)}"


def _is_use(node: Node) -> bool:
    parent = node.parent
    if parent is None:
        return False
    if parent.type == "object_property":
        return bool(parent.children[0] != node)
    if parent.type == "member_expression":
        return bool(parent.child_by_field_name("property") != node)
    if parent.type == "resource_expression":
        return bool(parent.children[0] == node)
    if parent.type.endswith("_declaration") or parent.type == "user_defined_function":
        return bool(parent.children[1] != node)
    return parent.type not in ("parameter", "type", "array_type", "nullable_type", "union_type")


def _unused(file: File) -> Iterator[Wrong]:
    uses = [text(n) for n in walk(file.root) if n.type == "identifier"]
    types = " ".join(text(n) for n in walk(file.root) if n.type in ("type", "array_type", "nullable_type"))
    for one in file.declared.values():
        exported = "export" in one.decorators
        idle = one.kind in ("param", "var", "func") or (one.kind == "resource" and one.existing)
        if idle and not exported and uses.count(one.name) < 2 and one.name not in types:
            yield one.node, f"{one.kind} {one.name} is not used"


def _resources(file: File) -> Iterator[Wrong]:
    for one, target in file.resources():
        name, _, version = target.partition("@")
        resource = arm.known(name) if version and name not in arm.UNTOLD else None
        if resource is None:
            if name not in arm.UNTOLD:
                yield one.node, f"there is no type {target!r}"
            continue
        if resource.version and resource.version != version:
            yield one.node, f"{name}: only its version {resource.version} can be checked, not {version}"
        if one.body is None:
            yield one.node, f"{one.name} has no body"
            continue
        yield from armtypes.problems(resource, Expression(one.body, file), existing=one.existing)


def _reads(file: File) -> Iterator[Wrong]:
    """What is read of resources: properties that their types have."""
    for node, seen in reads(file.root):
        one = file.declared.get(seen.base)
        if one is not None and one.kind == "resource" and (wrong := _read(one, seen.path)):
            yield node, wrong


def _read(one: Declaration, path: tuple[str, ...]) -> str:
    name = one.target.partition("@")[0]
    resource = arm.known(name) if name not in arm.UNTOLD else None
    if resource is None:
        return ""
    kind = resource.resolved(resource.body)
    for step in path:
        if kind["kind"] != "object" or kind.get("rest"):
            return ""
        if step not in kind["properties"]:
            return "" if re.match(r"list[A-Z]|getSecret", step) else f"{name} has no {'.'.join(path)}"
        kind = resource.resolved(kind["properties"][step])
    return ""


def _given(file: File) -> Iterator[Wrong]:
    """A file of parameters fits the file that it is for."""
    using = next((n for n in walk(file.root) if n.type == "using_statement"), None)
    target = literal(next((c for c in using.children if c.type == "string"), None)) if using else None
    path = file.path.parent / (target or "")
    if not target or not path.exists():
        yield using or file.root, f"there is no file {target}"
        return
    given = {one.name: one.value for one in file.of("var") if one.value is not None}
    yield from passed(file, using or file.root, parse(path), given)


def main(paths: list[Path]) -> int:
    files = [path for given in paths for path in (sorted(given.rglob("*.bicep*")) if given.is_dir() else [given])]
    targets = {target.partition("@")[0] for path in files for _, target in parse(path).resources()}
    arm.known_all(sorted(targets - arm.UNTOLD - {""}))  # all at once, as that is much faster
    wrongs = [(path, node, why) for path in files for node, why in check(path)]
    for path, node, why in wrongs:
        print(f"{path}:{node.start_point[0] + 1}: {why}")
    return 1 if wrongs else 0


if __name__ == "__main__":
    sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
