"""A Bicep file: what it declares, and its expressions as values that a type can be held against."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

from tests.infra.tools.armtypes import Value

_PARSER = Parser(Language(tree_sitter_bicep.language()))
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
_RETURNS = {name: kind for kind, names in _RESULTS.items() for name in names.split()}


@dataclass(frozen=True)
class Declaration:
    """A param, var, resource, module, output, type, func or import."""

    kind: str
    name: str
    node: Node
    decorators: dict[str, Node | None] = field(default_factory=dict)

    @property
    def value(self) -> Node | None:
        """What stands after the equals sign."""
        children = self.node.children
        equals = next((i for i, c in enumerate(children) if c.type == "="), None)
        rest = [] if equals is None else [c for c in children[equals + 1 :] if c.is_named and c.type != "comment"]
        return rest[0] if rest else None

    @property
    def type(self) -> str:
        """The type of a param or an output, as it is written."""
        written = next((c for c in self.node.children if c.type in ("type", "nullable_type", "array_type")), None)
        return text(written) if written else ""

    @property
    def optional(self) -> bool:
        return self.value is not None or self.type.endswith("?")

    @property
    def target(self) -> str:
        """The type and version of a resource, the path of a module."""
        written = next((c for c in self.node.children if c.type == "string"), None)
        return literal(written) or "" if written else ""

    @property
    def existing(self) -> bool:
        return any(c.type == "existing" for c in self.node.children)

    @property
    def body(self) -> Node | None:
        """The object of a resource or module, within a condition or a loop too."""
        return _body(self.value)


@dataclass
class File:
    """A file of Bicep, parsed."""

    path: Path
    root: Node
    declared: dict[str, Declaration]
    doubles: list[Node]

    def of(self, kind: str) -> list[Declaration]:
        return [one for one in self.declared.values() if one.kind == kind]

    def resources(self) -> Iterator[tuple[Declaration, str]]:
        """Each resource with its type and version, those within others too."""
        for one in self.of("resource"):
            yield one, one.target
            for inner in one.body.children if one.body else []:
                if inner.type == "object_property" and inner.children[0].type == "resource_declaration":
                    nested = Declaration("resource", text(inner.children[0].children[1]), inner.children[0])
                    kind, _, version = one.target.partition("@")
                    yield nested, f"{kind}/{nested.target}@{version}"

    @property
    def scope(self) -> str:
        for node in self.root.children:
            if node.type in ("target_scope_assignment", "assignment") or text(node).startswith("targetScope"):
                return text(node).partition("=")[2].strip().strip("'")
        return "resourceGroup"


def parse(path: Path) -> File:
    content = path.read_bytes()
    if path.suffix == ".bicepparam":  # the grammar knows only params with types
        content = re.sub(rb"^param(?= )", b"var  ", content, flags=re.M)
    root = _PARSER.parse(content).root_node
    declared: dict[str, Declaration] = {}
    doubles: list[Node] = []
    decorators: dict[str, Node | None] = {}
    for node in root.children:
        if node.type == "decorators":
            decorators = dict(_decorated(node))
        elif node.type.endswith("_declaration") or node.type == "user_defined_function":
            kind = node.type.removesuffix("_declaration").replace("user_defined_function", "func")
            named = next((c for c in node.children if c.type in ("identifier", "compatible_identifier")), None)
            if named is not None:
                key = text(named) if kind != "output" else f"output {text(named)}"  # an output may be called as a param
                if key in declared:
                    doubles.append(named)
                declared[key] = Declaration(kind.replace("parameter", "param").replace("variable", "var"), text(named),
                                            node, decorators)  # fmt: skip
            decorators = {}
    return File(path, root, declared, doubles)


def text(node: Node) -> str:
    return (node.text or b"").decode()


def literal(node: Node | None) -> str | None:
    """The value of a text without interpolation."""
    if node is None or node.type != "string":
        return None
    parts = [c for c in node.children if c.is_named]
    return "".join(map(text, parts)) if all(c.type in ("string_content", "escape_sequence") for c in parts) else None


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def properties(node: Node) -> dict[str, Node]:
    """The members of an object, by their names; where a name is computed there is none."""
    found = {}
    for child in node.children:
        if child.type == "object_property" and child.children[0].type != "resource_declaration":
            name, value = child.children[0], child.children[-1]
            key = literal(name) if name.type == "string" else text(name)
            if key is not None:
                found[key] = value
    return found


def _decorated(node: Node) -> Iterator[tuple[str, Node | None]]:
    for decorator in node.children:
        call = next((c for c in walk(decorator) if c.type == "call_expression"), None)
        if call is not None:
            given = next((c for c in call.children if c.type == "arguments"), None)
            arguments = [c for c in given.children if c.is_named] if given else []
            yield text(call.children[0]).rpartition(".")[2], arguments[0] if arguments else None


def _body(node: Node | None) -> Node | None:
    if node is None or node.type == "object":
        return node
    if node.type in ("if_statement", "for_statement", "parenthesized_expression"):
        return next((body for c in node.children if c.type != "identifier" and (body := _body(c))), None)
    return None


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
    if node.type == "parenthesized_expression" and len(node.children) == 3:
        return kind_of(node.children[1], file)
    if node.type == "ternary_expression":
        kinds = {kind_of(node.child_by_field_name(name), file) for name in ("consequence", "alternative")} - {"null"}
        return kinds.pop() if len(kinds) == 1 else ""
    return ""


def _kind_of_name(name: str, file: File) -> str:
    declared = file.declared.get(name)
    if declared is None:
        return ""
    if declared.kind == "param":
        kind = declared.type.removesuffix("?")
        return "array" if kind.endswith("[]") else kind if kind in ("string", "int", "bool", "array", "object") else ""
    return kind_of(declared.value, file) if declared.kind == "var" else ""
