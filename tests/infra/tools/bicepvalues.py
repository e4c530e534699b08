"""Expressions of Bicep: as values that a type can be held against, and what they read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tree_sitter import Node

from tests.infra.tools.armtypes import Value
from tests.infra.tools.biceptree import Declaration, File, literal, parse, properties, text, walk

_LITERALS = {
    "number": "int", "boolean": "bool", "object": "object", "array": "array", "null": "null", "string": "string",
    "multiline_string": "string",
}  # fmt: skip
_RESULTS = {  # of functions whose type does not depend on what they are given
    "string": "string format join toLower toUpper replace substring trim uniqueString guid uri base64 padLeft "
    "utcNow dateTimeAdd resourceId subscriptionResourceId loadTextContent newGuid uriComponent",
    "int": "length int indexOf lastIndexOf dateTimeToEpoch",
    "bool": "empty contains startsWith endsWith bool",
    "array": "split map filter sort range flatten objectKeys items array createArray",
    "object": "toObject mapValues groupBy",
}
_TESTS = {"==", "!=", "<", ">", "<=", ">=", "&&", "||", "!"}
_OPERATIONS = ("ternary_expression", "binary_expression", "unary_expression", "lambda_expression")
_RETURNS = {name: kind for kind, names in _RESULTS.items() for name in names.split()}


@dataclass(frozen=True)
class Read:
    """a!.b.c as its first name and the rest; without a name where it is of something that was called."""

    base: str
    path: tuple[str, ...]
    sure: bool  # it has ! or .? behind its first name, which need not be there


def reads(node: Node) -> Iterator[tuple[Node, Read]]:
    """All that is read of something within an expression."""
    for at in walk(node):
        inner = at.parent is not None and at.parent.type == "member_expression" and at.parent.children[0] == at
        if at.type == "member_expression" and not inner:
            yield at, read(at)


def read(node: Node) -> Read:
    path: list[str] = []
    sure = False
    while node.type == "member_expression" or (
        node.type == "subscript_expression" and _last(node).type == "identifier"
    ):
        if node.type == "member_expression":
            path.insert(0, text(node.children[-1]))
            sure = any(c.type in ("!", ".?") for c in node.children)
        node = _last(node)
    return Read(text(node), tuple(path), sure) if node.type == "identifier" else Read("", (), False)


def _last(node: Node) -> Node:
    """What a member is of. In `a ? x : b.c` the grammar takes all before the dot for it: it is the last of that."""
    of = node.children[0]
    while of.type in _OPERATIONS:
        of = of.children[-1]
    return of


@dataclass(frozen=True)
class Expression:
    """An expression as a value."""

    node: Node
    file: File

    @property
    def where(self) -> Any:
        return self.node

    @property
    def kind(self) -> str:
        return kind_of(self.node, self.file)

    @property
    def literal(self) -> Any:
        node = self._seen_through()
        if node.type == "number":
            return int(text(node))
        if node.type == "boolean":
            return text(node) == "true"
        return literal(node)

    @property
    def whole(self) -> bool:
        """Whether nothing is spread into it, and no name is computed."""
        node = self._seen_through()
        return all(
            c.type == "object_property" and (c.children[0].type != "string" or literal(c.children[0]) is not None)
            for c in node.children
            if c.is_named and c.type != "comment"
        )

    def members(self) -> list[tuple[str, Value]]:
        node = self._seen_through()
        return [(name, Expression(value, self.file)) for name, value in properties(node).items()]

    def elements(self) -> list[Value]:
        node = self._seen_through()
        return [
            Expression(c, self.file)
            for c in node.children
            if node.type == "array" and c.is_named and c.type not in ("comment", "for_statement")
        ]

    def _seen_through(self) -> Node:
        """A name of a variable stands for its value."""
        node = self.node
        while node.type == "parenthesized_expression" and len(node.children) == 3:
            node = node.children[1]
        declared = self.file.declared.get(text(node)) if node.type == "identifier" else None
        if declared is not None and declared.kind == "var" and declared.value is not None:
            return Expression(declared.value, self.file)._seen_through()
        return node


def kind_of(node: Node | None, file: File) -> str:
    """string, int, bool, array, object or null; empty where it cannot be told."""
    if node is None:
        return ""
    if node.type in _LITERALS:
        return _LITERALS[node.type]
    if node.type == "identifier":
        return _kind_of_name(text(node), file)
    if node.type == "call_expression":
        return _RETURNS.get(text(node.children[0]).rpartition(".")[2], "")
    if node.type == "for_statement":
        return "array"
    if node.type in ("binary_expression", "unary_expression"):
        return "bool" if any(c.type in _TESTS for c in node.children) else ""
    if node.type in ("parenthesized_expression", "ternary_expression", "member_expression"):
        kinds = kinds_of(node, file) - {"null"}
        return kinds.pop() if len(kinds) == 1 else ""
    return ""


def kinds_of(node: Node, file: File) -> set[str]:
    """Of all that it may be: `a ? 1 : 'b'` is one or the other. An empty text is for what cannot be told."""
    if node.type == "parenthesized_expression" and len(node.children) == 3:
        return kinds_of(node.children[1], file)
    if node.type == "ternary_expression":
        return kinds_of(_part(node, "consequence"), file) | kinds_of(_part(node, "alternative"), file)
    if node.type != "member_expression":
        return {kind_of(node, file)}
    found: set[str] = set()
    at = node.children[0]
    while at.type in ("ternary_expression", "member_expression"):  # a ? x : b.c, read wrongly: see _last
        if at.type == "ternary_expression":
            found |= kinds_of(_part(at, "consequence"), file)
        at = _part(at, "alternative") if at.type == "ternary_expression" else at.children[0]
    return found | {_kind_of_read(read(node), file) if at.type == "identifier" else ""}


def _part(node: Node, name: str) -> Node:
    part = node.child_by_field_name(name)
    assert part is not None, text(node)
    return part


def _kind_of_read(one: Read, file: File) -> str:
    """Of an output, as the file of its module declares it."""
    module = file.declared.get(one.base)
    if module is None or module.kind != "module" or len(one.path) != 2 or one.path[0] != "outputs":
        return ""
    output = outputs(file, module).get(one.path[1])
    return output.type.removesuffix("?") if output else ""


def outputs(file: File, module: Declaration) -> dict[str, Declaration]:
    """What the file of a module gives back; nothing where there is no such file."""
    path = file.path.parent / module.target
    return {one.name: one for one in parse(path).of("output")} if path.exists() else {}


def _kind_of_name(name: str, file: File) -> str:
    declared = file.declared.get(name)
    if declared is None:
        return ""
    if declared.kind == "param":
        kind = declared.type.removesuffix("?")
        return "array" if kind.endswith("[]") else kind if kind in ("string", "int", "bool", "array", "object") else ""
    return kind_of(declared.value, file) if declared.kind == "var" else ""
