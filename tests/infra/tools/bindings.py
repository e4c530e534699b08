"""The schema of a Terraform provider, read back from the JavaScript bindings that were generated from it.

Those bindings come in a wheel, so that no registry of Terraform is needed. They keep names, types, nesting, what is
required, optional, computed or write-only. They lose most limits: `rules.py` has those that matter to us.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

Block = dict[str, Any]  # as `terraform providers schema -json` has it: attributes and block_types

_CLASS = re.compile(r"^class (\w+) extends cdktn\.(\w+) \{", re.M)
_FLAGS = r"^    // (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\s*$"
_SECTION = re.compile(_FLAGS, re.M)
_MADE = re.compile(r'= new (cdktn\.)?(?:\w+\.)?(\w+)\(this, "\w+"(?:, (true|false))?\)')
_READ = re.compile(r"return ((?:cdktn\.[\w.]+\()*)this\.(\w+)\('\w+'\)")
_ELEMENT = re.compile(r"return new (?:\w+\.)?(\w+)\(this\.terraformResource")
_RESOURCE = re.compile(r'static tfResourceType = "(\w+)"')
_VERSION = re.compile(r"providerName: '([^']+)',\s*providerVersion: '([^']+)'")
_STRUCT = re.compile(r"^function (\w+?)ToHclTerraform\(struct\) \{(.*?)^\}", re.M | re.S)
_ROOT = re.compile(r"^    synthesizeHclAttributes\(\) \{(.*?)^    \}", re.M | re.S)
_SHAPE = re.compile(
    r'^\s+(\w+): \{\s*value: [^\n]*\n\s+isBlock: (true|false),\s+type: "(\w+)",\s+storageClassType: "(\w+)"', re.M
)
_INTERFACE = re.compile(r"^export interface (\w+)[^{]*\{(.*?)^\}", re.M | re.S)
_PROPERTY = re.compile(r"/\*\*(.*?)\*/\s*readonly \w+(\??): ([^;]+);", re.S)
_NAME = re.compile(r"\{@link [^ #}]+#(\w+)[ }]")
_VALUES = re.compile(r'Possible values: \[("[^\]]+")\]')

_KINDS = {
    "TerraformProvider": "provider",
    "TerraformResource": "resource_schemas",
    "TerraformDataSource": "data_source_schemas",
    "TerraformEphemeralResource": "ephemeral_resource_schemas",
}
_PRIMITIVES = {"String": "string", "Number": "number", "Boolean": "bool", "Any": "dynamic"}
_GETTER = re.compile(r"get(String|Number|Boolean|Any)?(List|Map)?Attribute")
_NATIVE = re.compile(r"(String|Number|Boolean|Any)(List)?Map(List)?")
_WRITE_ONLY = "@deprecated Write-only:"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How the generator writes an argument back as HCL."""

    block: bool
    collection: str  # simple, list, set, map or struct
    storage: str  # string, numberList, …, or the name of a struct


@dataclass(frozen=True, kw_only=True)
class Documented:
    """What the declaration of an argument says."""

    block: bool
    optional: bool
    type: str
    values: list[str]


class Bindings:
    """One folder of the bindings: mostly one resource with all that is nested in it."""

    def __init__(self, script: str, declarations: str, *, nested: bool) -> None:
        self.nested = nested  # whether the provider speaks protocol 6, which has attributes within attributes
        self.classes = {m[1]: (m[2], text) for m, text in _pieces(_CLASS, script)}
        self.shapes = {m[1].lower(): _shapes(m[2]) for m in _STRUCT.finditer(script)}
        self.documents = {m[1]: _documents(m[2]) for m in _INTERFACE.finditer(declarations)}
        version = _VERSION.search(script)
        self.provider, self.version = version.groups() if version else ("", "")
        self._known: dict[str, Block] = {}

    def schemas(self) -> list[tuple[str, str, Block]]:
        """Kind, type and schema of each resource."""
        found = []
        for name, (base, body) in self.classes.items():
            if base == "TerraformProvider":
                shapes = _ROOT.search(body)
                found.append(("provider", "", self._struct(f"{name}Config", _shapes(shapes[1]) if shapes else {}, ())))
            elif base in _KINDS and (kind := _RESOURCE.search(body)):
                found.append((_KINDS[base], kind[1], self._class(name, ())))
        return found

    def _class(self, name: str, within: tuple[str, ...]) -> Block:
        """A resource, or an object nested in it, from its class: what it reads, and what may be set."""
        if name not in self._known:
            base, body = self.classes[name]
            interface = f"{name}Config" if base in _KINDS else name.removesuffix("OutputReference")
            root = _ROOT.search(body) if base in _KINDS else None
            shapes = _shapes(root[1]) if root else self.shapes.get(interface.lower(), {})
            block: Block = {"attributes": {}, "block_types": {}}
            for section, whole in _pieces(_SECTION, body):
                argument, text = section[1], whole[:1500]  # after the last section come methods
                document = self.documents.get(interface, {}).get(argument)
                told = zip(("computed", "optional", "required"), section.groups()[1:], strict=True)
                flags = {name: True for name, value in told if value == "true"}
                if _WRITE_ONLY in text:
                    flags["write_only"] = True
                self._argument(block, argument, flags, text, shapes.get(argument), document, (*within, name))
            self._known[name] = block
        return self._known[name]

    def _argument(
        self, block: Block, name: str, flags: Block, text: str,
        shape: Shape | None, document: Documented | None, within: tuple[str, ...],
    ) -> None:  # fmt: skip
        made = _MADE.search(text)
        if made and not made[1]:
            element, nesting, single = self._element(made[2], made[3] == "true", shape)
            if element in self.classes and element not in within:  # an object within itself has no end
                inner = self._class(element, within)
                as_block = document is not None and document.block and not flags.get("computed")
                self._nest(block, name, flags, inner, nesting, as_block=as_block, single=single)
                return
            block["attributes"][name] = {**flags, "type": "dynamic"}
            return
        kind = _native(made[2], made[3] == "true") if made else _read(text, shape)
        block["attributes"][name] = {**flags, "type": kind, **_valued(document)}

    def _element(self, made: str, from_set: bool, shape: Shape | None) -> tuple[str, str, bool]:
        """The class of the elements, how they nest, and whether there is at most one."""
        if made.endswith("OutputReference"):
            nesting = "single" if shape is None or shape.collection == "struct" else shape.collection
            return made, nesting, nesting in ("list", "set")
        base, body = self.classes.get(made, ("", ""))
        element = _ELEMENT.search(body)
        nesting = "map" if base == "ComplexMap" else "set" if from_set else "list"
        return element[1] if element else "", nesting, False

    def _struct(self, interface: str, shapes: dict[str, Shape], within: tuple[str, ...]) -> Block:
        """The provider's own block: it has no classes for what is nested, only declarations."""
        block: Block = {"attributes": {}, "block_types": {}}
        for name, shape in shapes.items():
            document = self.documents.get(interface, {}).get(name)
            flags = {"optional" if document is None or document.optional else "required": True}
            if name == "alias" and not within:
                continue
            if not shape.block:
                block["attributes"][name] = {**flags, "type": _stored(shape.storage, shape.collection)}
                continue
            declared = re.match(r"(?:\{ ?\[key: string\]: )?(\w+)", document.type) if document else None
            struct = declared[1] if declared else ""
            if struct in within:
                continue
            inner = self._struct(struct, self.shapes.get(struct.lower(), {}), (*within, struct))
            nesting = "single" if shape.collection == "struct" else shape.collection
            single = nesting in ("list", "set") and "[]" not in (document.type if document else "")
            self._nest(block, name, flags, inner, nesting, as_block=bool(document and document.block), single=single)
        return block

    def _nest(
        self, block: Block, name: str, flags: Block, inner: Block, nesting: str, *, as_block: bool, single: bool
    ) -> None:
        if as_block:
            if nesting == "set" and _dynamic(inner):
                nesting = "list"  # Terraform has no set of something untyped
            limits = {**({"min_items": 1} if flags.get("required") else {}), **({"max_items": 1} if single else {})}
            block["block_types"][name] = {"nesting_mode": nesting, "block": inner, **limits}
        elif self.nested:
            block["attributes"][name] = {**flags, "nested_type": {"nesting_mode": nesting, **object_attributes(inner)}}
        else:
            kind = object_type(inner)
            block["attributes"][name] = {**flags, "type": kind if nesting == "single" else [nesting, kind]}


def _pieces(starts: re.Pattern[str], text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each match with the text after it, up to the next."""
    found = list(starts.finditer(text))
    for match, after in zip_longest(found, found[1:]):
        yield match, text[match.end() : after.start() if after else len(text)]


def object_attributes(block: Block) -> Block:
    return {"attributes": block["attributes"]}


def object_type(block: Block) -> Any:
    """The type of a block's or an object's value."""
    members = {name: attribute_type(attribute) for name, attribute in block["attributes"].items()}
    for name, nested in block.get("block_types", {}).items():
        inner = object_type(nested["block"])
        members[name] = inner if nested["nesting_mode"] == "single" else [nested["nesting_mode"], inner]
    return ["object", members]


def attribute_type(attribute: Block) -> Any:
    if "type" in attribute:
        return attribute["type"]
    nested = attribute["nested_type"]
    inner = object_type(nested)
    return inner if nested["nesting_mode"] == "single" else [nested["nesting_mode"], inner]


def _shapes(body: str) -> dict[str, Shape]:
    return {m[1]: Shape(block=m[2] == "true", collection=m[3], storage=m[4]) for m in _SHAPE.finditer(body)}


def _documents(body: str) -> dict[str, Documented]:
    found = {}
    for text, optional, kind in _PROPERTY.findall(body):
        if name := _NAME.search(text):
            block = re.search(rf"\* {name[1]} block\s*$", text, re.M) is not None
            values = _VALUES.search(text)
            listed = re.findall(r'"([^"]+)"', values[1]) if values else []
            found[name[1]] = Documented(block=block, optional=bool(optional), type=kind, values=listed)
    return found


def _valued(document: Documented | None) -> Block:
    return {"values": document.values} if document and document.values else {}


def _native(name: str, from_set: bool) -> Any:
    kind = _NATIVE.fullmatch(name)
    if not kind:
        return "dynamic"
    inner: Any = _PRIMITIVES[kind[1]]
    inner = ["list", inner] if kind[2] else inner
    whole = "dynamic" if inner == "dynamic" else ["map", inner]
    return [("set" if from_set else "list"), whole] if kind[3] else whole


def _read(text: str, shape: Shape | None) -> Any:
    """The type of what a getter reads; where it only interpolates, the type that is written."""
    read = _READ.search(text)
    getter = _GETTER.fullmatch(read[2]) if read else None
    if not read or not getter:
        return _stored(shape.storage, shape.collection) if shape else "dynamic"
    inner = _PRIMITIVES[getter[1] or "String"]
    if getter[2] == "Map":
        return "dynamic" if inner == "dynamic" else ["map", inner]
    if getter[2] == "List":
        written = shape.collection if shape and shape.collection in ("list", "set") else ""
        return [written or ("set" if "tolist" in read[1] else "list"), inner]
    return inner


def _stored(storage: str, collection: str) -> Any:
    for suffix, kind in (("List", collection if collection in ("list", "set") else "list"), ("Map", "map")):
        if storage.endswith(suffix) and storage != suffix:
            inner = _stored(storage.removesuffix(suffix), "list")
            return "dynamic" if kind == "map" and inner == "dynamic" else [kind, inner]
    return _PRIMITIVES.get(storage.capitalize(), "dynamic")


def _dynamic(block: Block) -> bool:
    return '"dynamic"' in repr(block).replace("'", '"')
