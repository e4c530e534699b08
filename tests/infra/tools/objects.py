"""python -m tests.infra.tools.objects <OBJECTS: what is wrong with objects for Kubernetes, in JSON, for each a list.

Kubernetes' own by its OpenAPI, strictly; KEDA's and Prometheus' by models of their definitions; others by crds.yaml.
"""

from __future__ import annotations

import importlib
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from kubernetes_validate import utils

KUBERNETES = "1.36"
_MODELS = {
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
}
utils.schema_contents = cache(utils.schema_contents)  # else it reads all definitions again for each object
_OWN = yaml.safe_load(Path(__file__).with_name("crds.yaml").read_text())


def problems(thing: dict[str, Any]) -> list[str]:
    version, kind = thing.get("apiVersion", ""), thing.get("kind", "")
    if version in _MODELS:
        found = _against(_modelled(version, kind), thing)
        return found + [wrong for trigger in thing.get("spec", {}).get("triggers", []) for wrong in _trigger(trigger)]
    if f"{version} {kind}" in _OWN:
        return _metadata(thing) + _against(_strict(_OWN[f"{version} {kind}"]), thing.get("spec", {}))
    try:
        kubernetes_validate.validate(thing, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{'.'.join(map(str, error.path))}: {error.message}"]
    except kubernetes_validate.SchemaNotFoundError:
        return [f"nothing is known of {version} {kind}: add what we use of it to crds.yaml"]
    return []


def _metadata(thing: dict[str, Any]) -> list[str]:
    unknown = set(thing) - {"apiVersion", "kind", "metadata", "spec"}
    named = thing.get("metadata", {}).get("name")
    return [f"there is no {name}" for name in sorted(unknown)] + ([] if named else ["metadata.name is missing"])


def _trigger(trigger: dict[str, Any]) -> list[str]:
    known = _OWN.get(f"keda.sh/v1alpha1 trigger {trigger.get('type')}")
    if known is None:
        return [f"nothing is known of KEDA's scaler {trigger.get('type')}: add what we use of it to crds.yaml"]
    return [f"{trigger['type']}: {wrong}" for wrong in _against(_strict(known), trigger.get("metadata", {}))]


def _against(schema: dict[str, Any], value: Any) -> list[str]:
    errors = [best_match([error]) or error for error in Draft202012Validator(schema).iter_errors(value)]
    return [f"{'.'.join(map(str, error.absolute_path)) or 'spec'}: {error.message[:300]}" for error in errors]


@cache
def _modelled(version: str, kind: str) -> dict[str, Any]:
    module = importlib.import_module(_MODELS[version])
    schema: dict[str, Any] = _closed(getattr(module, kind).model_json_schema(by_alias=True))
    return schema


def _closed(schema: Any) -> Any:
    """The models let unknown names pass; an operator would ignore them."""
    if isinstance(schema, dict):
        if "properties" in schema:
            schema["additionalProperties"] = False
        for inner in schema.values():
            _closed(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _closed(inner)
    return schema


def _strict(short: Any) -> dict[str, Any]:
    """The JSON Schema of what crds.yaml says."""
    if isinstance(short, list):
        return {"type": "array", "items": _strict(short[0])}
    if isinstance(short, dict) and "_" in short:
        return {"type": "object", "additionalProperties": _strict(short["_"])}
    if isinstance(short, dict):
        properties = {name.rstrip("!"): _strict(inner) for name, inner in short.items()}
        required = [name.rstrip("!") for name in short if name.endswith("!")]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    if short == "any":
        return {}
    return {"type": short} if short in ("string", "integer", "boolean") else {"enum": short.split("|")}


if __name__ == "__main__":
    print(json.dumps([problems(thing) for thing in json.load(sys.stdin)]))
