"""The types of Azure's resources, as Bicep has them, and what is wrong with a value by them.

They come from the Azure MCP server, which carries Bicep's types in a wheel; from Azure's management SDKs for the few
that it does not tell. Both are kept in .infra/arm. Each has one version of a type, mostly the newest that is stable.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

Type = dict[str, Any]  # {"kind": string | int | bool | any | array | object | variant, …}


class Value(Protocol):
    """Something that a type is for: an expression of Bicep, or plain JSON."""

    @property
    def kind(self) -> str:
        """string, int, bool, array, object or null; empty where only a deployment knows."""

    @property
    def literal(self) -> Any:
        """Its value, or None where it is computed."""

    @property
    def where(self) -> Any: ...

    def members(self) -> list[tuple[str, Value]]: ...

    def elements(self) -> list[Value]: ...

    @property
    def whole(self) -> bool:
        """Whether `members` are all there are."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A type of resource: its body, and the types that are named in it."""

    name: str
    version: str
    body: Type
    types: dict[str, Type] = field(default_factory=dict)

    def resolved(self, kind: Type) -> Type:
        while kind["kind"] == "ref":
            kind = self.types.get(kind["name"], {"kind": "any"})
        return kind


Problems = Iterator[tuple[Any, str]]  # where, and what
_PSEUDO = frozenset({"parent", "scope", "dependsOn"})  # Bicep's own, beside what the resource has
_BESIDE = frozenset({"name", "location", "tags"})  # of azapi, these stand beside the body


def problems(resource: Resource, value: Value, *, existing: bool = False, body: bool = False) -> Problems:
    """Where a resource's body is wrong, and how. `body`: name and location stand elsewhere."""
    kind, beside = resource.resolved(resource.body), _BESIDE if body else _PSEUDO
    yield from _object(resource, value, kind, resource.name, beside, partial=existing)


def _object(
    resource: Resource, value: Value, kind: Type, path: str, beside: frozenset[str] = frozenset(), *,
    partial: bool = False,
) -> Problems:  # fmt: skip
    members = dict(value.members())
    if kind["kind"] == "variant":
        variant, wrong = _variant(value, kind, path)
        yield from wrong if not partial else []
        if variant is None:
            return
        kind = resource.resolved(variant)
    for name, member in members.items():
        expected = kind["properties"].get(name) or kind.get("rest")
        if expected is None and name not in beside:
            near = difflib.get_close_matches(name, kind["properties"], 1)
            yield member.where, f"{path}: there is no {name!r}" + (f"; {near[0]!r}?" if near else "")
        elif expected is not None and expected.get("readonly"):
            yield member.where, f"{path}: {name!r} is read-only"
        elif expected is not None:
            yield from _value(resource, member, expected, f"{path}.{name}")
    if not partial and value.whole:
        needed = {name for name, one in kind["properties"].items() if one.get("required") and not one.get("readonly")}
        for name in sorted(needed - set(members) - beside):
            yield value.where, f"{path}: {name!r} is missing"


def _variant(value: Value, kind: Type, path: str) -> tuple[Type | None, list[tuple[Any, str]]]:
    """Which of several kinds of object it is, by the member that says so."""
    chosen = dict(value.members()).get(kind["by"])
    if chosen is None:
        return None, [(value.where, f"{path}: {kind['by']!r} is missing, which says what it is")]
    variant = kind["variants"].get(chosen.literal)
    if variant is None and chosen.literal is not None:
        return None, [(chosen.where, f"{path}: {kind['by']} is not one of {', '.join(kind['variants'])}")]
    return variant, []


def _value(resource: Resource, value: Value, expected: Type, path: str) -> Problems:
    kind = resource.resolved(expected)
    have, want = value.kind, {"variant": "object"}.get(kind["kind"], kind["kind"])
    if want == "any" or have in ("", "null"):
        return
    if have != want:
        yield value.where, f"{path}: {want} expected, not {have}"
    elif have == "array":
        for element in value.elements():
            yield from _value(resource, element, kind["of"], f"{path}[]")
    elif have == "object":
        yield from _object(resource, value, kind, path)
    elif value.literal is not None and (wrong := _limited(value.literal, {**kind, **expected})):
        yield value.where, f"{path}: {wrong}"


def _limited(literal: Any, kind: Type) -> str:
    values, pattern = kind.get("values"), kind.get("pattern")
    if values and literal not in values:
        return f"{literal!r} is not one of {', '.join(map(str, values))}"
    if pattern and not re.search(pattern, str(literal)):
        return f"{literal!r} does not match {pattern}"
    size = len(literal) if isinstance(literal, str) else literal
    least, most = (kind.get("minLength"), kind.get("maxLength")) if isinstance(literal, str) else (
        kind.get("minValue"), kind.get("maxValue"))  # fmt: skip
    if (least is not None and size < int(least)) or (most is not None and size > int(most)):
        return f"{literal!r} is not between {least} and {most}"
    return ""


@dataclass(frozen=True)
class Plain:
    """JSON as a value; `where` is its path."""

    value: Any
    where: Any = ()

    @property
    def kind(self) -> str:
        for type_, name in ((bool, "bool"), (int, "int"), (float, "int"), (str, "string"), (list, "array")):
            if isinstance(self.value, type_):
                return name
        return "object" if isinstance(self.value, dict) else "null" if self.value is None else ""

    @property
    def literal(self) -> Any:
        return self.value if self.kind in ("string", "int", "bool") else None

    @property
    def whole(self) -> bool:
        return True

    def members(self) -> list[tuple[str, Value]]:
        return [(name, Plain(member, (*self.where, name))) for name, member in self.value.items()]

    def elements(self) -> list[Value]:
        return [Plain(element, (*self.where, index)) for index, element in enumerate(self.value)]


def from_bicep(described: list[dict[str, Any]], name: str) -> Resource:
    """A resource as the MCP server describes it."""
    named = {one["name"]: one for one in described if one["$type"] in ("Object", "DiscriminatedObject")}
    resources = {one["name"].lower(): one for one in described if one["$type"] == "Resource"}
    full = next(one for one in resources if one.partition("@")[0] == name.lower())
    return Resource(
        name=name,
        version=full.partition("@")[2],
        body=_described(resources[full]["bodyType"], named),
        types={name: _described(one, named) for name, one in named.items()},
    )


def _described(one: dict[str, Any], named: dict[str, Any]) -> Type:
    if one["$type"] == "DiscriminatedObject":
        base = {p["name"]: _property(p, named) for p in one["baseProperties"]}
        variants = {}
        for element in one["elements"] if isinstance(one["elements"], list) else one["elements"].values():
            variant = _described(element, named)
            by = next((p for p in element["properties"] if p["name"] == one["discriminator"]), None)
            if by:
                variants[by["type"]] = {**variant, "properties": {**base, **variant["properties"]}}
        return {"kind": "variant", "by": one["discriminator"], "variants": variants}
    found: Type = {"kind": "object", "properties": {p["name"]: _property(p, named) for p in one["properties"]}}
    if rest := one.get("additionalPropertiesType"):
        found["rest"] = _typed(rest, named) if isinstance(rest, str) else {"kind": "any"}
    return found


def _property(one: dict[str, Any], named: dict[str, Any]) -> Type:
    flags = one.get("flags", "")
    limits = dict(re.findall(r"(min\w+|max\w+|pattern): (.+?)(?=, (?:min|max|pattern)|$)", one.get("modifiers", "")))
    flagged = {"required": "Required" in flags, "readonly": "ReadOnly" in flags}
    return {**_typed(one["type"], named), **flagged, **limits}


def _typed(text: str, named: dict[str, Any]) -> Type:
    if text in named:
        return {"kind": "ref", "name": text}
    if text.endswith("[]"):
        return {"kind": "array", "of": _typed(text.removesuffix("[]"), named)}
    if text in ("string", "int", "bool", "any"):
        return {"kind": text}
    parts = text.split(" | ")
    if len(parts) == 1 or any(part in named for part in parts):  # of a single word nothing says whether it is a type
        return {"kind": "any"}
    return {"kind": "string", "values": [part for part in parts if part != "string"]}


def to_json(resource: Resource) -> str:
    return json.dumps(vars(resource))


def from_json(text: str) -> Resource:
    return Resource(**json.loads(text))
