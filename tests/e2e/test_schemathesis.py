"""Schemathesis reads /openapi.json and asks every operation what it can think of. What comes back must be as described.

Its requests are the same each time. They are about things that are there, where they could be: each operation is given
a thread, runs and a schedule of its own, and every other id that it makes up is replaced by one of those.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks

from agentcore import app
from agentcore.api import create_app
from agentcore.settings import Settings
from tests.e2e.background import served
from tests.e2e.http import REFUND, ok

FUZZED = 40
"""Cases an operation that are drawn; the examples, and those that go along the edges of each schema, come on top."""

CHECKS = [
    not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_headers_conformance, checks.response_schema_conformance, checks.unsupported_method,
    checks.allow_header_conformance, checks.negative_data_rejection,
]  # fmt: skip
"""Not that valid data be taken: what no schema can say (a cron that rings, a checkpoint of this thread, text that a
database can keep) is refused with a 422, which is documented."""

NEVER_ENDS = frozenset({"open_thread_sse_stream"})
"""A stream without an end: it is asked about threads that are not there. test_thread_streams reads it."""
POLLED = frozenset({"thread_events"})
"""The same, but it can be polled."""
WAITING = frozenset({"cancel_run", "redrive_run", "get_approval", "decide", "decide_many", "list_approvals"})
"""What is about runs that wait for a person. All else gets one that has ended: a stream of another would not end."""

# The server asks nobody who they are; test_auth_matrix asks every operation with and without a key.
GENERATION = {"deterministic": True, "database": "none", "with-security-parameters": False}
_service = app.build(
    Settings(database_url="sqlite:///never-opened.db", bus_url="memory://", model="offline", auth="none")
)
schema = schemathesis.openapi.from_dict(
    create_app(_service).openapi(),
    config=SchemathesisConfig.from_dict({"seed": 1, "generation": GENERATION}),
)


@dataclass
class Things:
    """What there is for one operation."""

    url: str
    ids: dict[str, str] = field(default_factory=dict)
    endless: bool = False  # it is asked about a thread that is not there, whatever the others have made

    def make(self, operation: str) -> None:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=60) as http:
            thread = ok(http.post("/threads", json={}))["thread_id"]
            given = REFUND if operation in WAITING else "hello"
            run = ok(http.post("/runs/wait", json={"agent_id": "support", "input": given, "on_completion": "keep"}))
            asked = [one["approval_id"] for one in run["questions"]]
            ring = {"agent_id": "support", "input": "hello", "cron": "0 9 * * 1"}
            if operation == "redrive_run":
                ok(http.post(f"/runs/{run['run']['run_id']}/cancel?wait=true"), 204)
            schedule = ok(http.post("/schedules", json=ring))["schedule_id"]
            self.endless = operation in NEVER_ENDS
            if self.endless:
                ok(http.delete(f"/threads/{thread}"), 204)
            self.ids = {
                "thread_id": run["run"]["thread_id"] if operation in WAITING else thread, "schedule_id": schedule,
                "run_id": run["run"]["run_id"], "approval_id": asked[0] if asked else "",
            }  # fmt: skip

    def name(self, given: Any) -> None:
        """Replace ids and agents in a path or a body. Odd ids stay, as nothing is under them; not where `endless`."""
        for key, value in given.items() if isinstance(given, dict) else ():
            if key == "agent_id" and isinstance(value, str) and 0 < len(value) <= 200:
                given[key] = "support"
            elif self.ids.get(key) and _is_id(value, even=not self.endless):
                given[key] = self.ids[key]
            elif isinstance(value, list):
                for one in value:
                    self.name(one)

    def hurry(self, query: Any) -> None:
        for name in ("timeout", "wait"):  # the parameters by which a client says how long it waits
            if isinstance(query, dict) and re.fullmatch(r"\d+(\.\d+)?", str(query.get(name))):
                query[name] = min(float(query[name]), 0.1)


def _is_id(value: Any, *, even: bool) -> bool:
    try:
        return isinstance(value, str) and (UUID(value).int % 2 == 0 or not even)
    except ValueError:
        return False


class Failed(logging.Handler):
    """What the server logs as an error, though it answered well."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


@pytest.fixture(scope="module")
def counted() -> Iterator[Counter[str]]:
    """How many cases each operation had; printed in the end (`pytest -rP`)."""
    found = Counter[str]()
    yield found
    print(f"schemathesis: {len(found)} operations, {found.total()} cases")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patched:
        folder = tmp_path_factory.mktemp("schemathesis")
        patched.chdir(folder)  # where the shop's agents keep their orders
        with served(folder, rate_per_second=0) as url:
            yield url


@pytest.fixture
def log() -> Iterator[Failed]:
    handler, logger = Failed(), logging.getLogger()
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture
def things(server: str, log: Failed) -> Things:
    return Things(server)


@schema.parametrize()
@settings(derandomize=True, database=None, deadline=None, max_examples=FUZZED, suppress_health_check=list(HealthCheck))
def test_each_operation_answers_as_it_is_described(
    case: Case[Any], things: Things, log: Failed, counted: Counter[str]
) -> None:
    operation = str(case.operation.definition.raw["operationId"])
    if not things.ids:
        things.make(operation)
    counted[operation] += 1
    things.name(case.path_parameters)
    things.name(case.body)
    things.hurry(case.query)
    if operation in POLLED:
        case.headers["Accept"] = "application/json"
    case.call_and_validate(base_url=things.url, checks=CHECKS, timeout=60)
    assert log.said == []
