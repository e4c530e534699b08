"""What stands on what in a file of Bicep: what has to be known when a deployment begins, and who waits for whom."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

from tests.infra.tools.biceptree import Declaration, File, names, properties, text
from tests.infra.tools.bicepvalues import Read, reads

_KNOWN = {"id", "name", "type", "apiVersion"}  # of a resource, before it is there


def order(file: File) -> Iterator[tuple[Node, str]]:
    for one in (*file.of("resource"), *file.of("module")):
        yield from _early(file, one)
        yield from _waits(file, one)
    for node, seen in reads(file.root):
        if unsure(file, seen):
            yield node, f"{seen.base} is not always there: {seen.base}!.{'.'.join(seen.path)}"


def unsure(file: File, seen: Read) -> bool:
    """Whether it is of something that has a condition, and nothing says that the condition holds."""
    one = file.declared.get(seen.base)
    conditional = one is not None and one.value is not None and one.value.type == "if_statement"
    return conditional and not seen.sure and seen.path[:1] != () and seen.path[0] not in _KNOWN


def _early(file: File, one: Declaration) -> Iterator[tuple[Node, str]]:
    """A name, a scope, a condition and what a loop goes through are worked out before anything is deployed."""
    body = properties(one.body) if one.body else {}
    parts = {"name": body.get("name"), "scope": body.get("scope") if one.kind == "module" else None}
    children = one.value.children if one.value else []
    for before, after in pairwise(children):
        if before.type in ("if", "in"):
            parts["condition" if before.type == "if" else "loop"] = after
    for part, node in parts.items():
        late = next(_late(file, node, set()), None) if node is not None else None
        if late:
            yield node or one.node, f"{one.name}: its {part} has to be known at the beginning, and {late} is not"


def _late(file: File, node: Node, seen: set[str]) -> Iterator[str]:
    """What a deployment finds out only on its way, of what an expression reads: through variables too."""
    for _, one in reads(node):
        declared = file.declared.get(one.base)
        if declared is not None and declared.kind in ("module", "resource") and one.path[0] not in _KNOWN:
            yield f"{one.base}.{'.'.join(one.path)}"
    for variable in used(file, node, "var") - seen:
        value = file.declared[variable].value
        if value is not None:
            yield from _late(file, value, seen | {variable})


def used(file: File, node: Node, *kinds: str) -> set[str]:
    """What of these kinds an expression names itself."""
    found = {text(n) for n in names(node)} & set(file.declared)
    return {name for name in found if file.declared[name].kind in kinds}


def reached(file: File, node: Node, seen: frozenset[str] = frozenset()) -> set[str]:
    """The modules and resources that an expression names, through variables too."""
    found = used(file, node, "module", "resource")
    for variable in used(file, node, "var") - seen:
        value = file.declared[variable].value
        found |= reached(file, value, seen | {variable}) if value is not None else set()
    return found


def _waits(file: File, one: Declaration) -> Iterator[tuple[Node, str]]:
    """dependsOn is for what nothing else says."""
    body = properties(one.body) if one.body else {}
    named = body.pop("dependsOn", None)
    if named is not None:
        known = set().union(*(reached(file, value) for value in body.values()))
        for dependency in named.children:
            if dependency.type == "identifier" and text(dependency) in known:
                yield dependency, f"dependsOn: {one.name} reads {text(dependency)} anyway"
