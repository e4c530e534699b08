"""A Bicep file: what it declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_bicep.language()))


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


@cache
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


def names(node: Node) -> list[Node]:
    """The names that an expression uses; the keys of objects are none."""
    return [n for n in walk(node) if n.type == "identifier" and not _is_key(n)]


def _is_key(node: Node) -> bool:
    return node.parent is not None and node.parent.type == "object_property" and bool(node.parent.children[0] == node)


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
