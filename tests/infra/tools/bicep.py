"""python -m tests.infra.tools.bicep FILE…: what is wrong with files of Bicep, a line each; 1 if there is any.

Syntax, names, functions, modules with their parameters and outputs, parameter files, and the bodies of resources
against Azure's own types. It is no compiler: expressions have no types beyond the obvious, and nothing asks Azure.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tree_sitter import Node

from tests.infra.tools import arm, armtypes
from tests.infra.tools.biceptree import Declaration, Expression, File, kind_of, literal, parse, properties, text, walk

Wrong = tuple[Node, str]
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
_SECRET = re.compile(r"password|secret|token|connectionstring|apikey", re.I)


def check(path: Path) -> list[Wrong]:
    file = parse(path)
    found = list(_syntax(file.root))
    if found:
        return found  # what follows would only repeat it
    found += [(node, f"{text(node)} is declared twice") for node in file.doubles]
    found += [*_names(file), *_resources(file), *_modules(file), *_reads(file)]
    found += _given(file) if path.suffix == ".bicepparam" else [*_unused(file), *_secrets(file)]
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
                yield node, f"there is no function {name}{_near(name, _FUNCTIONS)}"
        elif name not in declared | local | _NAMESPACES:
            yield node, f"nothing is called {name}{_near(name, declared)}"


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


def _modules(file: File) -> Iterator[Wrong]:
    for one in file.of("module"):
        path = file.path.parent / one.target
        if one.target.startswith(("br:", "br/", "ts:", "ts/")) or not path.exists():
            yield one.node, f"there is no file {one.target}"
            continue
        module = parse(path)
        body = properties(one.body) if one.body else {}
        params = body.get("params")
        yield from _passed(file, one, module, properties(params) if params and params.type == "object" else {},
                           computed=params is not None and params.type != "object")  # fmt: skip
        if module.scope != file.scope and "scope" not in body:
            yield one.node, f"{one.name} deploys to another scope, {module.scope}: say which"


def _passed(
    file: File, at: Declaration, module: File, given: dict[str, Node], *, computed: bool = False
) -> Iterator[Wrong]:
    wanted = {p.name: p for p in module.of("param")}
    for name, value in given.items():
        if name not in wanted:
            yield value, f"{module.path.name} has no parameter {name}{_near(name, set(wanted))}"
            continue
        yield from _fits(file, value, wanted[name], name)
    for name, one in wanted.items():
        if name not in given and not one.optional and not computed:
            yield at.node, f"{module.path.name} needs its parameter {name}"


def _fits(file: File, value: Node, param: Declaration, name: str) -> Iterator[Wrong]:
    want = param.type.removesuffix("?")
    want = "array" if want.endswith("[]") else want
    have = kind_of(value, file)
    if have not in ("", "null", want) and want in ("string", "int", "bool", "array", "object"):
        yield value, f"{name}: {want} expected, not {have}"
    allowed = param.decorators.get("allowed")
    listed = [literal(c) or text(c) for c in allowed.children if c.is_named] if allowed is not None else []
    if listed and (given := literal(value)) is not None and given not in listed:
        yield value, f"{name}: {given!r} is not one of {', '.join(listed)}"


def _reads(file: File) -> Iterator[Wrong]:
    """What is read of modules and resources: outputs that they have, properties that their types have."""
    for node in walk(file.root):
        if node.type != "member_expression":
            continue
        base, path = _chain(node)
        one = file.declared.get(base)
        if one is None or not path or (node.parent is not None and node.parent.type == "member_expression"
                                       and node.parent.child_by_field_name("object") == node):  # fmt: skip
            continue
        if one.kind == "module" and path[0] == "outputs" and len(path) > 1 and (file.path.parent / one.target).exists():
            outputs = {o.name for o in parse(file.path.parent / one.target).of("output")}
            if path[1] not in outputs:
                yield node, f"{one.target} has no output {path[1]}{_near(path[1], outputs)}"
        if one.kind == "resource" and (wrong := _read(one, path)):
            yield node, wrong


def _read(one: Declaration, path: list[str]) -> str:
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


def _chain(node: Node) -> tuple[str, list[str]]:
    """a!.b.?c as its first name and the rest; ends where something is indexed or called."""
    path: list[str] = []
    at: Node | None = node
    while at is not None and at.type == "member_expression":
        named = at.child_by_field_name("property")
        path.insert(0, text(named) if named else "")
        at = at.child_by_field_name("object")
    return (text(at), path) if at is not None and at.type == "identifier" else ("", [])


def _given(file: File) -> Iterator[Wrong]:
    """A file of parameters fits the file that it is for."""
    using = next((n for n in walk(file.root) if n.type == "using_statement"), None)
    target = literal(next((c for c in using.children if c.type == "string"), None)) if using else None
    path = file.path.parent / (target or "")
    if not target or not path.exists():
        yield using or file.root, f"there is no file {target}"
        return
    given = {one.name: one.value for one in file.of("var") if one.value is not None}
    anchor = Declaration("using", "", using or file.root)
    yield from _passed(file, anchor, parse(path), given)


def _secrets(file: File) -> Iterator[Wrong]:
    """Secrets are parameters that are marked so, and no outputs."""
    secure = {p.name for p in file.of("param") if "secure" in p.decorators}
    for param in file.of("param"):
        named = _SECRET.search(param.name) and param.type in ("string", "object") and not param.name.lower().endswith(
            ("name", "names", "uri", "id", "version", "identity")
        )  # fmt: skip
        if named and param.name not in secure:
            yield param.node, f"{param.name} is a secret by its name: @secure()"
        if param.name in secure and param.value is not None and literal(param.value):
            yield param.node, f"{param.name} is secret and has a default"
    for output in file.of("output"):
        shown = {text(n) for n in walk(output.node) if n.type == "identifier"} & secure
        if shown and "secure" not in output.decorators:
            yield output.node, f"output {output.name} shows {', '.join(sorted(shown))}"


def _near(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"; {near[0]}?" if near else ""


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
