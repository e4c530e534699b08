"""Secrets of Bicep are parameters that are marked so, in each file that they pass through, and no outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from tests.infra.tools.biceporder import used
from tests.infra.tools.biceptree import File, literal, names, text, walk
from tests.infra.tools.bicepvalues import outputs, reads

_SECRET = re.compile(r"password|secret|token|connectionstring|apikey", re.I)
_KEYS = re.compile(r"list[A-Z]|getSecret$")  # functions that give secrets away
_HARMLESS = ("empty", "startsWith", "length")  # what these say of a secret is none


def secrets(file: File) -> Iterator[tuple[Node, str]]:
    for param in file.of("param"):
        secure = "secure" in param.decorators
        named = _SECRET.search(param.name) and param.type in ("string", "object") and not param.name.lower().endswith(
            ("name", "names", "uri", "id", "version", "identity")
        )  # fmt: skip
        if named and not secure:
            yield param.node, f"{param.name} is a secret by its name: @secure()"
        if secure and param.type.removesuffix("?") not in ("string", "object"):
            yield param.node, f"{param.name}: only a string or an object can be secure"
        if secure and param.value is not None and literal(param.value):
            yield param.node, f"{param.name} is secret and has a default"
    for output in file.of("output"):
        found = shown(file, output.value) if output.value is not None else set()
        if found and "secure" not in output.decorators:
            yield output.node, f"output {output.name} shows {', '.join(sorted(found))}"


def shown(file: File, node: Node, seen: frozenset[str] = frozenset()) -> set[str]:
    """The secrets that an expression has the value of: of parameters, outputs and keys, through variables too."""
    harmless = {inner.id for at in walk(node) if _only_asks(at) for inner in walk(at)}
    told = {text(n) for n in names(node) if n.id not in harmless}
    found = {p.name for p in file.of("param") if p.name in told and "secure" in p.decorators}
    found |= {text(at.children[0]) for at in walk(node) if at.type == "call_expression" and _KEYS.match(_called(at))}
    for at, one in reads(node):
        module = file.declared.get(one.base)
        if module is not None and module.kind == "module" and len(one.path) > 1 and one.path[0] == "outputs":
            output = outputs(file, module).get(one.path[1])
            found |= {text(at)} if output is not None and "secure" in output.decorators else set()
    for variable in (used(file, node, "var") & told) - seen:
        value = file.declared[variable].value
        found |= shown(file, value, seen | {variable}) if value is not None else set()
    return found


def _only_asks(node: Node) -> bool:
    return node.type == "call_expression" and _called(node) in _HARMLESS


def _called(node: Node) -> str:
    return text(node.children[0]).rpartition(".")[2]
