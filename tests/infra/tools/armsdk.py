"""The types that the MCP server does not tell, read out of the classes of Azure's management SDKs.

They say less: what is required is not always told, and values of enumerations only by the newer kind of SDK.
"""

from __future__ import annotations

import importlib
import inspect
import re
from enum import EnumMeta
from typing import Any, ForwardRef, Union, get_args, get_origin, get_type_hints

from tests.infra.tools.armtypes import Resource, Type

_MODELS = {  # the resource's type → module and class of its body
    "Microsoft.DBforPostgreSQL/flexibleServers": ("postgresqlflexibleservers", "Server"),
    "Microsoft.DBforPostgreSQL/flexibleServers/databases": ("postgresqlflexibleservers", "Database"),
    "Microsoft.DBforPostgreSQL/flexibleServers/administrators": (
        "postgresqlflexibleservers", "AdministratorMicrosoftEntraAdd",
    ),
    "Microsoft.DBforPostgreSQL/flexibleServers/configurations": ("postgresqlflexibleservers", "ConfigurationForUpdate"),
    "Microsoft.Network/privateDnsZones": ("privatedns", "PrivateZone"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": ("privatedns", "VirtualNetworkLink"),
    "Microsoft.Authorization/locks": ("resource.locks", "ManagementLockObject"),
    "Microsoft.Insights/actionGroups": ("monitor", "ActionGroupResource"),
    "Microsoft.Insights/metricAlerts": ("monitor", "MetricAlertResource"),
}  # fmt: skip
_SCALARS = {"str": "string", "int": "int", "float": "int", "bool": "bool", "duration": "string", "iso-8601": "string"}
_DECIDED = ("id", "type", "systemData")


def described(name: str) -> Resource | None:
    if name not in _MODELS:
        return None
    module, model = _MODELS[name]
    models = importlib.import_module(f"azure.mgmt.{module}.models")
    types: dict[str, Type] = {}
    body = _class(getattr(models, model), models, types)
    decided: dict[str, Type] = {key: {"kind": "any", "readonly": True} for key in _DECIDED}
    body["properties"] = {**body["properties"], **decided, "name": {"kind": "string", "required": True}}
    return Resource(name=name, version="", body=body, types=types)


def _class(model: type, models: Any, types: dict[str, Type]) -> Type:
    read = _declared if hasattr(model, "_attribute_map") else _annotated
    return {"kind": "object", "properties": read(model, models, types)}


def _named(model: type, models: Any, types: dict[str, Type]) -> Type:
    """A class by its name, as classes contain themselves."""
    if model.__name__ not in types:
        types[model.__name__] = {"kind": "any"}
        types[model.__name__] = _class(model, models, types)
        if subtypes := getattr(model, "_subtype_map", None):
            [(by, classes)] = subtypes.items()
            key = model._attribute_map[by]["key"].replace("\\.", ".")  # type: ignore[attr-defined]
            variants = {value: _variant(getattr(models, c), key, value, models, types) for value, c in classes.items()}
            types[model.__name__] = {"kind": "variant", "by": key, "variants": variants}
    return {"kind": "ref", "name": model.__name__}


def _variant(model: type, key: str, value: str, models: Any, types: dict[str, Type]) -> Type:
    found = _class(model, models, types)
    found["properties"][key] = {"kind": "string", "values": [value], "required": True}
    return found


def _declared(model: Any, models: Any, types: dict[str, Type]) -> dict[str, Type]:
    """Of the older kind of SDK: a table of keys, in which dots go into objects."""
    found: dict[str, Type] = {}
    for attribute, told in model._attribute_map.items():
        rules = model._validation.get(attribute, {})
        *path, last = (part.replace("\0", ".") for part in told["key"].replace("\\.", "\0").split("."))
        into = found
        for part in path:
            outer = into.setdefault(part, {"kind": "object", "properties": {}})
            outer["required"] = outer.get("required", False) or rules.get("required", False)
            into = outer["properties"]
        flags = {"required": rules.get("required", False), "readonly": rules.get("readonly", False)}
        if told["key"] == "":  # whatever else there is
            continue
        into[last] = {**_spelt(told["type"], models, types), **flags}
    return found


def _spelt(text: str, models: Any, types: dict[str, Type]) -> Type:
    if text.startswith("["):
        return {"kind": "array", "of": _spelt(text[1:-1], models, types)}
    if text.startswith("{"):
        return {"kind": "object", "properties": {}, "rest": _spelt(text[1:-1], models, types)}
    if text in _SCALARS:
        return {"kind": _SCALARS[text]}
    return _named(getattr(models, text), models, types) if hasattr(models, text) else {"kind": "any"}


def _annotated(model: Any, models: Any, types: dict[str, Type]) -> dict[str, Type]:
    """Of the newer kind: annotations, and fields that know their names and when they may be set."""
    names = {**vars(models), "_models": models, "_types": models}
    hints = get_type_hints(model, globalns={**vars(inspect.getmodule(model)), **names})
    found: dict[str, Type] = {}
    for attribute, hint in hints.items():
        rest = inspect.getattr_static(model, attribute, None)
        if not hasattr(rest, "_rest_name_input"):
            continue
        key = rest._rest_name_input or attribute
        given = [arg for arg in get_args(hint) if arg is not type(None)] if get_origin(hint) is Union else [hint]
        visible = rest._visibility or []
        found[key] = {
            **_hinted(given, models, types),
            "required": len(given) == len(get_args(hint) or [hint]) and visible != ["read"],
            "readonly": visible == ["read"],
        }
    return found


def _hinted(given: list[Any], models: Any, types: dict[str, Type]) -> Type:
    enumeration = next((one for one in given if isinstance(one, EnumMeta)), None)
    if enumeration:
        return {"kind": "string", "values": [one.value for one in enumeration]}  # type: ignore[var-annotated]
    one = given[0]
    if isinstance(one, ForwardRef):
        one = getattr(models, re.sub(r"^_models\.", "", one.__forward_arg__), str)
    if get_origin(one) is list:
        return {"kind": "array", "of": _hinted(list(get_args(one)), models, types)}
    if get_origin(one) is dict:
        return {"kind": "object", "properties": {}, "rest": _hinted([get_args(one)[1]], models, types)}
    if inspect.isclass(one) and one.__module__.startswith("azure.mgmt"):
        return _named(one, models, types)
    return {"kind": _SCALARS.get(getattr(one, "__name__", ""), "any")}
