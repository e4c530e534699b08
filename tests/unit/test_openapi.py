"""/openapi.json says what is so: every operation has examples that fit their schemas, and every refusal its problem."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import openapi_spec_validator
import pytest
from fastapi import FastAPI

from agentcore import app
from agentcore.api import create_app
from agentcore.api.examples import ANSWERS, PROBLEMS, REQUESTS
from agentcore.api.problems import body
from agentcore.commands.client import parse
from agentcore.events import KINDS
from agentcore.settings import Settings

Json = dict[str, Any]
VERBS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    url = f"sqlite:///{tmp_path_factory.mktemp('openapi')}/test.db"
    return create_app(app.build(Settings(database_url=url, bus_url="memory://", model="offline", auth="none")))


@pytest.fixture(scope="module")
def document(api: FastAPI) -> Json:
    return api.openapi()


def operations(document: Json) -> Iterator[Json]:
    for path in document["paths"].values():
        yield from (operation for verb, operation in path.items() if verb in VERBS)


def contents(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Everything that goes in or out: the operation, the kind of content, and what is said of it."""
    for operation in operations(document):
        parts = [operation.get("requestBody", {}), *operation["responses"].values()]
        for part in (
            document["components"]["responses"][p["$ref"].split("/")[-1]] if "$ref" in p else p for p in parts
        ):
            for kind, told in part.get("content", {}).items():
                yield operation["operationId"], kind, told


def check(document: Json, schema: Json, value: Any) -> None:
    whole = {**schema, "components": {"schemas": document["components"]["schemas"]}}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(value)


def test_it_is_an_openapi_document(document: Json) -> None:
    openapi_spec_validator.validate(document)
    ids = [operation["operationId"] for operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_everything_that_goes_in_or_out_has_examples_that_fit(document: Json) -> None:
    count = 0
    for operation, kind, told in contents(document):
        shown = [one["value"] for one in told.get("examples", {}).values()] or [told.get("example")]
        for value in shown:
            assert value is not None, f"{operation}: no example of {kind}"
            check(document, told["schema"], value)
            count += 1
    assert count > 400


def test_no_example_is_for_nothing(document: Json) -> None:
    shown = [
        [one["value"] for one in told.get("examples", {}).values()] or [told["example"]]
        for _, _, told in contents(document)
    ]
    for table in (REQUESTS, ANSWERS):
        for name, examples in table.items():
            values = list(examples.values())
            assert values in shown or [[value] for value in values] in shown, name


def test_examples_of_streams_are_streams_of_known_events(document: Json) -> None:
    told = [found for _, kind, found in contents(document) if kind == "text/event-stream"]
    assert len(told) >= 5
    for one in told:
        (example,) = one["examples"].values()
        events = list(parse(iter(example["value"].split("\n"))))
        assert events
        assert all(event.type in KINDS or event.data["method"] == event.type for event in events)
        assert all(event.id for event in events)


def test_each_refusal_is_a_problem_of_its_status(document: Json) -> None:
    for operation in operations(document):
        for status, answer in operation["responses"].items():
            if status >= "400":
                told = document["components"]["responses"][answer["$ref"].split("/")[-1]]
                assert told["description"]
                assert told["content"].keys() == {"application/problem+json"}
                assert told["content"]["application/problem+json"]["example"]["status"] == int(status)


def test_problems_have_the_fields_that_are_sent(document: Json) -> None:
    sent = body(422, "x: no", "invalid", {"field": "x", "errors": [{"field": "x", "message": "no"}]})
    told = document["components"]["schemas"]["Problem"]
    assert set(told["properties"]) == set(sent)
    assert set(told["required"]) == set(body(404, "no", "not_found"))
    check(document, told, sent)
    for problem in PROBLEMS.values():
        check(document, told, problem)


def test_who_asks_for_a_scope_tells_so_and_who_reads_a_body_refuses_what_is_none(document: Json) -> None:
    for operation in operations(document):
        told = set(operation["responses"])
        if operation["security"]:
            assert {"401", "403", "429", "503"} <= told
        if "$ref" in operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {}):
            assert {"400", "413", "415", "422"} <= told
        if any(p["in"] == "path" for p in operation.get("parameters", ())):
            assert {"404", "422"} <= told
