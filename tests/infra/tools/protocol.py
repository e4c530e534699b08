"""The messages of Terraform's plugin protocol 6 that a provider needs, as fields and their numbers."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {"string": _FIELD.TYPE_STRING, "bytes": _FIELD.TYPE_BYTES, "bool": _FIELD.TYPE_BOOL,
            "int": _FIELD.TYPE_INT64}  # fmt: skip
MANY = "*"  # after a type: repeated

_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    # schemas
    "Object": {"attributes": (1, "Attribute*"), "nesting": (3, "int")},
    "Attribute": {
        "name": (1, "string"), "type": (2, "bytes"), "required": (4, "bool"), "optional": (5, "bool"),
        "computed": (6, "bool"), "nested_type": (10, "Object"), "write_only": (11, "bool"),
    },
    "NestedBlock": {
        "type_name": (1, "string"), "block": (2, "Block"), "nesting": (3, "int"), "min_items": (4, "int"),
        "max_items": (5, "int"),
    },
    "Block": {"attributes": (2, "Attribute*"), "block_types": (3, "NestedBlock*")},
    "Schema": {"version": (1, "int"), "block": (2, "Block")},
    "Named": {"key": (1, "string"), "value": (2, "Schema")},  # an entry of a map of schemas
    "Capabilities": {"get_provider_schema_optional": (2, "bool")},
    "Schemas": {
        "provider": (1, "Schema"), "resource_schemas": (2, "Named*"), "data_source_schemas": (3, "Named*"),
        "provider_meta": (5, "Schema"), "server_capabilities": (6, "Capabilities"),
        "ephemeral_resource_schemas": (8, "Named*"),
    },
    # values and what is wrong with them
    "Value": {"msgpack": (1, "bytes"), "json": (2, "bytes")},
    "Step": {"attribute_name": (1, "string"), "element_key_string": (2, "string"), "element_key_int": (3, "int")},
    "Path": {"steps": (1, "Step*")},
    "Diagnostic": {"severity": (1, "int"), "summary": (2, "string"), "detail": (3, "string"), "attribute": (4, "Path")},
    "Diagnostics": {"diagnostics": (1, "Diagnostic*")},
    "ProviderDiagnostics": {"diagnostics": (2, "Diagnostic*")},
    # calls
    "Configured": {"config": (1, "Value")},
    "Config": {"type_name": (1, "string"), "config": (2, "Value")},
    "Upgrade": {"type_name": (1, "string"), "version": (2, "int"), "raw_state": (3, "Raw")},
    "Raw": {"json": (1, "bytes")},
    "Read": {"type_name": (1, "string"), "current_state": (2, "Value")},
    "Plan": {
        "type_name": (1, "string"), "prior_state": (2, "Value"), "proposed_new_state": (3, "Value"),
        "config": (4, "Value"),
    },
    "Apply": {
        "type_name": (1, "string"), "prior_state": (2, "Value"), "planned_state": (3, "Value"), "config": (4, "Value"),
    },
    # answers
    "State": {"state": (1, "Value"), "diagnostics": (2, "Diagnostic*")},
    "Planned": {"planned_state": (1, "Value"), "legacy_type_system": (5, "bool")},
    "Applied": {"new_state": (1, "Value"), "diagnostics": (3, "Diagnostic*"), "legacy_type_system": (4, "bool")},
    "Opened": {"diagnostics": (1, "Diagnostic*"), "result": (3, "Value")},
    "Nothing": {},
}  # fmt: skip


def _described() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="provider.proto", package="provider", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if name == "Step":  # its three fields exclude each other: an index of 0 must be on the wire
            message.oneof_decl.add(name="selector")
        for field, (number, kind) in fields.items():
            repeated = _FIELD.LABEL_REPEATED if kind.endswith(MANY) else _FIELD.LABEL_OPTIONAL
            described = message.field.add(name=field, number=number, label=repeated)
            if scalar := _SCALARS.get(kind):
                described.type = scalar
            else:
                described.type, described.type_name = _FIELD.TYPE_MESSAGE, f".provider.{kind.removesuffix(MANY)}"
            if name == "Step":
                described.oneof_index = 0
    return file


def _classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_described())
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"provider.{name}")) for name in _MESSAGES}


message = _classes()  # message["Plan"].FromString(request)
