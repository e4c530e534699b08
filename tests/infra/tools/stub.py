"""python -m tests.infra.tools.stub SCHEMAS SOCKETS: providers for Terraform that know their schemas and no cloud.

Each *.json.gz in SCHEMAS is a provider, served over Terraform's own plugin protocol on a socket in SOCKETS. Prints what
TF_REATTACH_PROVIDERS must be, as one line, and serves until its standard input closes.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from tests.infra.tools import fakes, values
from tests.infra.tools.bindings import Block, attribute_type
from tests.infra.tools.protocol import message
from tests.infra.tools.rules import Finding, findings, provider_findings

REGISTRY, NAMESPACES = "registry.terraform.io", {"azapi": "azure"}
_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}
_UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
_ERROR = 1


class Provider:
    """The calls that Terraform makes, by their names in the protocol. What is not here answers nothing, gladly."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.name: str = schema["name"]
        self.own: Block = schema["provider"] or {"attributes": {}}
        self.resources: dict[str, Block] = schema["resource_schemas"]
        self.data: dict[str, Block] = schema["data_source_schemas"]
        self.ephemeral: dict[str, Block] = schema["ephemeral_resource_schemas"]
        self._schemas: bytes = self._described()

    def GetProviderSchema(self, request: bytes) -> bytes:
        return self._schemas

    def ValidateProviderConfig(self, request: bytes) -> bytes:
        config = values.read(message["Configured"].FromString(request).config)
        return _answer("ProviderDiagnostics", diagnostics=_diagnostics(provider_findings(self.name, self.own, config)))

    def ValidateResourceConfig(self, request: bytes) -> bytes:
        return self._validated(self.resources, request)

    def ValidateDataResourceConfig(self, request: bytes) -> bytes:
        return self._validated(self.data, request)

    def ValidateEphemeralResourceConfig(self, request: bytes) -> bytes:
        return self._validated(self.ephemeral, request)

    def UpgradeResourceState(self, request: bytes) -> bytes:
        raw = message["Upgrade"].FromString(request).raw_state.json
        return _answer("State", state=message["Value"](json=raw))

    def ReadResource(self, request: bytes) -> bytes:
        return _answer("State", state=message["Read"].FromString(request).current_state)

    def PlanResourceChange(self, request: bytes) -> bytes:
        asked = message["Plan"].FromString(request)
        fresh = values.read(asked.prior_state) is None
        planned = values.decided(
            self.resources[asked.type_name],
            values.read(asked.proposed_new_state),
            values.unknown if fresh else values.absent,
        )
        return _answer("Planned", planned_state=values.write(planned), legacy_type_system=True)

    def ApplyResourceChange(self, request: bytes) -> bytes:
        asked = message["Apply"].FromString(request)
        planned = values.read(asked.planned_state)
        schema = self.resources[asked.type_name]
        made = values.decided(schema, planned, fakes.of(asked.type_name, planned))
        config = values.read(asked.config)  # none when it is destroyed; what was unknown before is known now
        wrong = [] if config is None else findings(asked.type_name, schema, config)
        return _answer("Applied", new_state=values.write(made), legacy_type_system=True,
                       diagnostics=_diagnostics(wrong))  # fmt: skip

    def ReadDataSource(self, request: bytes) -> bytes:
        return _answer("State", state=self._made_up(self.data, request))

    def OpenEphemeralResource(self, request: bytes) -> bytes:
        return _answer("Opened", result=self._made_up(self.ephemeral, request))

    def _made_up(self, schemas: dict[str, Block], request: bytes) -> Any:
        asked = message["Config"].FromString(request)
        config = values.read(asked.config)
        return values.write(values.decided(schemas[asked.type_name], config, fakes.of(asked.type_name, config)))

    def _validated(self, schemas: dict[str, Block], request: bytes) -> bytes:
        asked = message["Config"].FromString(request)
        wrong = findings(asked.type_name, schemas[asked.type_name], values.read(asked.config))
        return _answer("Diagnostics", diagnostics=_diagnostics(wrong))

    def _described(self) -> bytes:
        schemas = message["Schemas"]()
        schemas.server_capabilities.get_provider_schema_optional = True
        schemas.provider_meta.block.SetInParent()
        _describe(schemas.provider.block, self.own)
        for known, named in (
            (self.resources, schemas.resource_schemas),
            (self.data, schemas.data_source_schemas),
            (self.ephemeral, schemas.ephemeral_resource_schemas),
        ):
            for kind, block in known.items():
                _describe(named.add(key=kind).value.block, block)
        return bytes(schemas.SerializeToString())


class Calls(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc tells no types
    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    def service(self, details: Any) -> Any:
        """The call by its name; those about functions and metadata are left out, which Terraform takes well."""
        name = details.method.rpartition("/")[2]
        call: Callable[[bytes], bytes] | None = getattr(self.provider, name, None)
        if call is None and name not in ("ConfigureProvider", "StopProvider", "CloseEphemeralResource", "Shutdown"):
            return None
        return grpc.unary_unary_rpc_method_handler(lambda request, context: call(request) if call else b"")


def _describe(block: Any, schema: Block) -> None:
    block.SetInParent()  # also an empty one is on the wire
    for name, attribute in schema["attributes"].items():
        _describe_attribute(block.attributes.add(), name, attribute)
    for name, nested in schema.get("block_types", {}).items():
        limits = {key: nested[key] for key in ("min_items", "max_items") if key in nested}
        if nested["nesting_mode"] in ("single", "map"):
            limits = {}
        described = block.block_types.add(type_name=name, nesting=_NESTING[nested["nesting_mode"]], **limits)
        _describe(described.block, nested["block"])


def _describe_attribute(described: Any, name: str, attribute: Block) -> None:
    described.name = name
    for flag in ("required", "optional", "computed", "write_only"):
        setattr(described, flag, attribute.get(flag, False))
    if nested := attribute.get("nested_type"):
        described.nested_type.nesting = _NESTING[nested["nesting_mode"]]
        for inner_name, inner in nested["attributes"].items():
            _describe_attribute(described.nested_type.attributes.add(), inner_name, inner)
    else:
        described.type = json.dumps(attribute_type(attribute)).encode()


def _answer(kind: str, **fields: Any) -> bytes:
    return bytes(message[kind](**fields).SerializeToString())


def _diagnostics(found: list[Finding]) -> list[Any]:
    return [
        message["Diagnostic"](
            severity=_ERROR, summary=finding.summary, detail=finding.detail,
            attribute={"steps": [
                {"attribute_name" if isinstance(step, str) else "element_key_int": step} for step in finding.path
            ]},
        )
        for finding in found
    ]  # fmt: skip


def serve(schemas: Path, sockets: Path) -> tuple[dict[str, Any], list[Any]]:
    """What Terraform must be told, and the servers."""
    told, servers = {}, []
    for file in sorted(schemas.glob("*.json.gz")):
        provider = Provider(json.loads(gzip.decompress(file.read_bytes())))
        server = grpc.server(ThreadPoolExecutor(4), options=_UNLIMITED)
        server.add_generic_rpc_handlers((Calls(provider),))
        socket = sockets / provider.name
        server.add_insecure_port(f"unix:{socket}")
        server.start()
        servers.append(server)
        told[f"{REGISTRY}/{NAMESPACES.get(provider.name, 'hashicorp')}/{provider.name}"] = {
            "Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True,
            "Addr": {"Network": "unix", "String": str(socket)},
        }  # fmt: skip
    return told, servers


if __name__ == "__main__":
    told, servers = serve(Path(sys.argv[1]), Path(sys.argv[2]))
    print(json.dumps(told), flush=True)
    sys.stdin.read()
    for server in servers:
        server.stop(None)
