"""The specification's file, where there is one, in the words of `tests.e2e.protocol`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "../shared/lab/agent-protocol-openapi.json"
"""It is not kept with the code."""

# What the file does not name: objects that are written where they are used.
_INLINE = {
    ("AgentSearch", "body"): "search_agents",
    ("RunConfig", "config"): "RunCreate",
    ("Capabilities", "capabilities"): "Agent",
    ("StreamingMeta", "meta"): "StreamingSuccessResponse",
}


def operations(spec: dict[str, Any]) -> dict[str, tuple[str, str, set[int], str, str, dict[str, str], bool]]:
    """By operationId: verb, path, statuses, body, answer, query, and whether the answer is a stream."""
    return {
        found["operationId"]: (verb.upper(), path, set(map(int, found["responses"])), *_shapes(found))
        for path, verbs in spec["paths"].items()
        for verb, found in verbs.items()
    }


def _shapes(found: dict[str, Any]) -> tuple[str, str, dict[str, str], bool]:
    answer = found["responses"].get("200", {}).get("content", {})
    body = found.get("requestBody", {}).get("content", {})
    query = {
        p["name"] + ("*" if p.get("required") else ""): spelled(p["schema"])
        for p in found.get("parameters", ())
        if p["in"] == "query"
    }
    return _content(body), _content(answer), query, "text/event-stream" in answer


def _content(content: dict[str, Any]) -> str:
    return "".join(spelled(media["schema"]) for media in content.values())


def schemas(spec: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Fields and types of each object."""
    named = spec["components"]["schemas"]
    found = {name: _fields(one, named) for name, one in named.items() if "properties" in one or "allOf" in one}
    for inline, holder in _INLINE:
        for one in _inside(spec, holder, _INLINE[inline, holder]):
            found[inline] = _fields(one, named)
    blocks = named["Message"]["properties"]["content"]["oneOf"][1]["items"]["anyOf"]
    return {**found, **{block["title"]: _fields(block, named) for block in blocks}}


def _inside(spec: dict[str, Any], holder: str, owner: str) -> list[dict[str, Any]]:
    if holder == "body":
        (content,) = spec["paths"]["/agents/search"]["post"]["requestBody"]["content"].values()
        return [content["schema"]]
    return [spec["components"]["schemas"][owner]["properties"][holder]]


def _fields(one: dict[str, Any], named: dict[str, Any]) -> dict[str, str]:
    parts = [_fields(named[_name(p)] if "$ref" in p else p, named) for p in one.get("allOf", ())]
    merged = {name: kind for part in parts for name, kind in part.items()}
    required = set(one.get("required", ()))
    merged |= {
        name + ("*" if name in required else ""): spelled(kind, name)
        for name, kind in one.get("properties", {}).items()
    }
    return {name: kind for name, kind in merged.items() if name + "*" not in merged}


def defaults(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What fields of request bodies are when they are left out."""
    named = spec["components"]["schemas"]
    (search,) = _inside(spec, "body", "")
    return {name: kept for name, one in {**named, "AgentSearch": search}.items() if (kept := _defaults(one, named))}


def _defaults(one: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    parts = [_defaults(named[_name(p)] if "$ref" in p else p, named) for p in one.get("allOf", ())]
    own = {name: kind["default"] for name, kind in one.get("properties", {}).items() if "default" in kind}
    return {**{name: value for part in parts for name, value in part.items()}, **own}


def spelled(schema: dict[str, Any], name: str = "") -> str:
    """A JSON schema as a type of the table."""
    if "$ref" in schema:
        return _name(schema)
    if "enum" in schema:
        return "|".join(schema["enum"])
    if "const" in schema:
        return f"'{schema['const']}'"
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(spelled(one) for one in schema[choice])
    if isinstance(schema.get("type"), list):
        return " or ".join(spelled({**schema, "type": one}) for one in schema["type"])
    if schema.get("type") == "array":
        return f"[{spelled(schema.get('items', {}))}]"
    if schema.get("type") == "object" and "properties" in schema:
        return next((inline for inline, holder in _INLINE if holder == name), schema.get("title", "AgentSearch"))
    return _plain(schema)


def _plain(schema: dict[str, Any]) -> str:
    kind = schema.get("format") or schema.get("type", "any")
    if "minimum" in schema or "maximum" in schema:
        return f"{kind} {schema.get('minimum', '')}..{schema.get('maximum', '')}"
    return str(kind)


def _name(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]
