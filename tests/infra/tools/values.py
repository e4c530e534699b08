"""Values as Terraform sends them: read, walked along their schema, and answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgpack

from tests.infra.tools.bindings import Block
from tests.infra.tools.protocol import message

UNKNOWN = msgpack.ExtType(0, b"\x00")
Path = tuple[str | int, ...]
Fill = Callable[[Block, Path], Any]  # an attribute's schema and where it stands → its value


def read(value: Any) -> Any:
    if value.msgpack:
        return msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False)
    return json.loads(value.json) if value.json else None


def write(value: Any) -> Any:
    return message["Value"](msgpack=msgpack.packb(value, use_bin_type=True))


def is_unknown(value: Any) -> bool:
    return isinstance(value, msgpack.ExtType)


def objects(block: Block, value: Any, path: Path = ()) -> Iterator[tuple[Block, dict[str, Any], Path]]:
    """The value of a block and of everything nested in it, each with its schema."""
    if isinstance(value, dict):
        yield block, value, path
        for name, nesting, inner in _nested(block):
            for key, element in _elements(value.get(name), nesting):
                yield from objects(inner, element, (*path, name, *key))


def decided(block: Block, value: Any, fill: Fill, path: Path = ()) -> Any:
    """The value with all that the provider decides filled in, and without what is write-only."""
    if not isinstance(value, dict):
        return value
    out = dict(value)
    for name, attribute in block["attributes"].items():
        if attribute.get("write_only"):
            out[name] = None
        elif is_unknown(out.get(name)) or (attribute.get("computed") and out.get(name) is None):
            out[name] = fill(attribute, (*path, name))
    for name, nesting, inner in _nested(block):
        given = out.get(name)
        filled = {key: decided(inner, element, fill, (*path, name, *key)) for key, element in _elements(given, nesting)}
        if isinstance(given, list):
            out[name] = list(filled.values())
        elif isinstance(given, dict):
            out[name] = filled[()] if nesting == "single" else {key[0]: element for key, element in filled.items()}
    return out


def _nested(block: Block) -> Iterator[tuple[str, str, Block]]:
    for name, nested in block.get("block_types", {}).items():
        yield name, nested["nesting_mode"], nested["block"]
    for name, attribute in block["attributes"].items():
        if "nested_type" in attribute and not attribute.get("write_only"):
            yield name, attribute["nested_type"]["nesting_mode"], attribute["nested_type"]


def _elements(value: Any, nesting: str) -> Iterator[tuple[Path, Any]]:
    """What stands in a nested block, with its index or key. Nothing where Terraform does not know it yet."""
    if isinstance(value, list):
        yield from (((index,), element) for index, element in enumerate(value))
    elif isinstance(value, dict) and nesting == "single":
        yield (), value
    elif isinstance(value, dict):
        yield from (((key,), element) for key, element in value.items())


def unknown(attribute: Block, path: Path) -> Any:
    return UNKNOWN


def absent(attribute: Block, path: Path) -> Any:
    return None
