"""Whether a file of Bicep calls its modules as their files want it, and reads what they give back."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from tree_sitter import Node

from tests.infra.tools.bicepsecrets import shown
from tests.infra.tools.biceptree import Declaration, File, literal, parse, properties, text
from tests.infra.tools.bicepvalues import kinds_of, outputs, reads

Wrong = tuple[Node, str]
_KINDS = {"string", "int", "bool", "array", "object"}
_SCOPES = {"resourceGroup", "subscription", "managementGroup", "tenant"}


def modules(file: File) -> Iterator[Wrong]:
    for one in file.of("module"):
        path = file.path.parent / one.target
        if one.target.startswith(("br:", "br/", "ts:", "ts/")) or not path.exists():
            yield one.node, f"there is no file {one.target}"
            continue
        body = properties(one.body) if one.body else {}
        params = body.get("params")
        if params is not None and params.type != "object":
            yield params, f"{one.name}: write its parameters out, so that they can be checked"
        else:
            yield from passed(file, one.node, parse(path), properties(params) if params else {})
        yield from _scoped(file, one, parse(path).scope)
    yield from _read(file)
    yield from _named(file)
    for output in file.of("output"):
        if output.value is not None:
            yield from _fits(file, output.value, output, output.name)


def passed(file: File, at: Node, module: File, given: dict[str, Node]) -> Iterator[Wrong]:
    """What is given to a file, and what it wants."""
    wanted = {p.name: p for p in module.of("param")}
    for name, value in given.items():
        if name not in wanted:
            yield value, f"{module.path.name} has no parameter {name}{near(name, set(wanted))}"
            continue
        yield from _fits(file, value, wanted[name], name)
        if (secret := shown(file, value)) and "secure" not in wanted[name].decorators:
            yield value, f"{name} is not @secure(), and shows {', '.join(sorted(secret))}"
    for name, one in wanted.items():
        if name not in given and not one.optional:
            yield at, f"{module.path.name} needs its parameter {name}"


def _fits(file: File, value: Node, param: Declaration, name: str) -> Iterator[Wrong]:
    want = param.type.removesuffix("?")
    want = "array" if want.endswith("[]") else want
    for have in sorted(kinds_of(value, file) - {"", "null", want}) if want in _KINDS else []:
        yield value, f"{name}: {want} expected, not {have}"
    listed = _allowed(param)
    for given in _values(file, value) if listed else []:
        if given not in listed:
            yield value, f"{name}: {given!r} is not one of {', '.join(listed)}"


def _values(file: File, node: Node) -> list[str]:
    """The values that it may have, where that can be told: its own, or those of the parameter that it is."""
    declared = file.declared.get(text(node)) if node.type == "identifier" else None
    if declared is not None and declared.kind == "param":
        return _allowed(declared)
    given = literal(node)
    return [] if given is None else [given]


def _allowed(param: Declaration) -> list[str]:
    allowed = param.decorators.get("allowed")
    return [literal(c) or text(c) for c in allowed.children if c.is_named] if allowed is not None else []


def _scoped(file: File, one: Declaration, wanted: str) -> Iterator[Wrong]:
    """A module is deployed to what its file is for."""
    scope = properties(one.body).get("scope") if one.body else None
    if scope is None and wanted != file.scope:
        yield one.node, f"{one.name} deploys to another scope, {wanted}: say which"
    elif scope is not None and (given := _scope(file, scope)) != wanted:
        yield scope, f"{one.name}: its file is for the scope {wanted}, not {given or text(scope)}"


def _scope(file: File, node: Node) -> str:
    if node.type == "call_expression":
        called = text(node.children[0]).rpartition(".")[2]
        return called if called in _SCOPES else ""
    declared = file.declared.get(text(node).rstrip("!"))
    groups = declared is not None and declared.target.startswith("Microsoft.Resources/resourceGroups@")
    return "resourceGroup" if groups else ""


def _read(file: File) -> Iterator[Wrong]:
    """Of a module, only its outputs can be read, and its name."""
    for node, one in reads(file.root):
        module = file.declared.get(one.base)
        if module is None or module.kind != "module" or not (file.path.parent / module.target).exists():
            continue
        known = set(outputs(file, module))
        if one.path[0] == "outputs" and len(one.path) > 1 and one.path[1] not in known:
            yield node, f"{module.target} has no output {one.path[1]}{near(one.path[1], known)}"
        elif one.path[0] not in ("outputs", "name"):
            yield node, f"of {one.base} only outputs can be read, not {one.path[0]}"


def _named(file: File) -> Iterator[Wrong]:
    """Each call is a deployment. Two of one name in one scope stop each other, also where one calls the other."""
    taken: dict[tuple[str, str], str] = {}
    for one in file.of("module"):
        inside = list(_deployments(file, one, "", (file.path.resolve(),)))
        name = properties(one.body).get("name") if one.body else None
        for key in dict.fromkeys(inside):
            own = name is not None and key == inside[0] and literal(name) == key[1]
            if key == ("", ""):
                yield one.node, f"{one.name}: it calls itself"
            elif key in taken or (own and inside.count(key) > 1):
                other = taken.get(key, "one that it calls")
                yield (
                    name if own and name else one.node,
                    f"{one.name}: {other} is called {key[1]} too, and is a deployment",
                )
            taken.setdefault(key, one.name)


def _deployments(file: File, one: Declaration, within: str, above: tuple[object, ...]) -> Iterator[tuple[str, str]]:
    """Scope and name of a module, and of all that it calls; a name that is computed is not told."""
    body = properties(one.body) if one.body else {}
    scope = text(body["scope"]) if "scope" in body else within
    path = (file.path.parent / one.target).resolve()
    if name := literal(body.get("name")):
        yield scope, name
    if path == above[0]:
        yield "", ""
    if path not in above and path.exists():
        for inner in parse(path).of("module"):
            yield from _deployments(parse(path), inner, scope, (*above, path))


def near(name: str, known: set[str]) -> str:
    found = difflib.get_close_matches(name, known, 1)
    return f"; {found[0]}?" if found else ""
