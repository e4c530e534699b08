"""POST /tick: the clock from outside, by key or by signature."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentcore import webhooks
from agentcore.errors import Misconfigured
from agentcore.testing.travel import advance
from tests.e2e.http import Http, ok, on, refused
from tests.e2e.operations import app_of
from tests.e2e.test_door import as_key

OLD, NEW, OTHER = (letter * 32 for letter in (b"o", b"n", b"x"))
Headers = dict[str, str]


def secret(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def signed(*keys: bytes, at: float = 0.0, content: bytes = b"", message: str = "msg_1") -> Headers:
    """As a scheduler signs, so many seconds from now."""
    return webhooks.signed(keys, message, int(time.time() + at), content)


def asked(path: Path, test: Callable[[Http], Any], **options: Any) -> None:
    on(path, test, **{"auth": "keys", "tick_secrets": f"{secret(OLD)} {secret(NEW)}", **options})


def test_a_schedule_rings_because_of_the_call(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        store = app_of(http).state.service.store
        admin = await as_key(http, "admin")
        body = {"agent_id": "support", "input": "hello", "cron": "0 9 * * *", "timezone": "UTC"}
        one = ok(await http.post("/schedules", json=body, headers=admin))
        assert ok(await http.post("/tick", headers=signed(NEW)))["rang"] == 0
        await advance(store, 25 * 3600)
        done = ok(await http.post("/tick", headers=signed(NEW)))
        assert done.keys() == {"rang", "swept", "pruned", "delivered"}
        assert done["rang"] == 1
        run_id = ok(await http.get(f"/schedules/{one['schedule_id']}", headers=admin))["last_run_id"]
        assert ok(await http.get(f"/runs/{run_id}/wait", headers=admin))["run"]["status"] == "success"

    asked(tmp_path, test)


def test_calls_from_many_places_at_once_ring_it_once(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        admin = await as_key(http, "admin")
        body = {"agent_id": "support", "input": "hello", "cron": "0 9 * * *", "timezone": "UTC"}
        ok(await http.post("/schedules", json=body, headers=admin))
        await advance(app_of(http).state.service.store, 25 * 3600)
        key = await as_key(http, "system")
        answers = await asyncio.gather(*(http.post("/tick", headers=head) for head in [key, signed(OLD)] * 5))
        assert sum(ok(answer)["rang"] for answer in answers) == 1
        assert len(ok(await http.post("/runs/search", json={}, headers=admin))) == 1

    asked(tmp_path, test)


def test_a_key_with_the_scope_may_and_no_other(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        ok(await http.post("/tick", headers=await as_key(http, "system")))
        refused(await http.post("/tick", headers=await as_key(http, "admin")), 403, "forbidden")
        refused(await http.post("/tick"), 401, "unauthenticated")

    asked(tmp_path, test)


GOOD: dict[str, Callable[[], Headers]] = {
    "one key": lambda: signed(OLD),
    "the other, while they change": lambda: signed(NEW),
    "both": lambda: signed(OLD, NEW),
    "one among others": lambda: signed(OTHER, NEW),
    "four minutes late": lambda: signed(NEW, at=-240),
    "a clock that is ahead": lambda: signed(NEW, at=240),
    "another version beside": lambda: _with(signed(NEW), "webhook-signature", lambda s: f"v2,abc {s}"),
}
WRONG: dict[str, Callable[[], Headers]] = {
    "a key nobody knows": lambda: signed(OTHER),
    "too old": lambda: signed(NEW, at=-310),
    "too far ahead": lambda: signed(NEW, at=310),
    "of a body": lambda: signed(NEW, content=b"{}"),
    "of another id": lambda: _with(signed(NEW), "webhook-id", lambda _: "msg_2"),
    "of another time": lambda: _with(signed(NEW), "webhook-timestamp", lambda t: str(int(t) + 1)),
    "no id": lambda: _without(signed(NEW), "webhook-id"),
    "no time": lambda: _without(signed(NEW), "webhook-timestamp"),
    "a time that is none": lambda: _with(signed(NEW), "webhook-timestamp", lambda t: f"{t}.0"),
    "a time in other digits": lambda: _with(signed(NEW), "webhook-timestamp", lambda t: t.replace("1", "\u00b9")),
    "a time without end": lambda: _with(signed(NEW), "webhook-timestamp", lambda t: t * 500),
    "an empty signature": lambda: _with(signed(NEW), "webhook-signature", lambda _: ""),
    "half a signature": lambda: _with(signed(NEW), "webhook-signature", lambda s: s[:20]),
    "no version": lambda: _with(signed(NEW), "webhook-signature", lambda s: s[3:]),
    "no ASCII": lambda: _with(signed(NEW), "webhook-signature", lambda s: s + "\u00e9"),
}


def _with(headers: Headers, name: str, change: Callable[[str], str]) -> Headers:
    return {**headers, name: change(headers[name])}


def _without(headers: Headers, name: str) -> Headers:
    return {key: value for key, value in headers.items() if key != name}


def _sent(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def test_a_good_signature_is_enough_and_a_wrong_one_is_told_no_more_than_any(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        for case, headers in GOOD.items():
            assert (await http.post("/tick", headers=_sent(headers()))).status_code == 200, case
        answers = {case: await http.post("/tick", headers=_sent(headers())) for case, headers in WRONG.items()}
        assert {case for case, answer in answers.items() if answer.status_code != 401} == set()
        assert {answer.text for answer in answers.values()} == {(await http.post("/tick")).text}

    asked(tmp_path, test)


@pytest.mark.skipif(not all(map(shutil.which, ("bash", "openssl", "od"))), reason="the recipe needs them")
def test_the_recipe_of_the_docs_signs(tmp_path: Path) -> None:
    page = Path(__file__).parents[2].joinpath("docs/observability.md").read_text()
    [recipe] = [found for found in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "hexkey" in found]
    code, _, request = recipe.partition("curl -X POST http://127.0.0.1:8000/tick ")
    told = request.replace('-H "', 'echo "').replace('" echo', '"; echo')
    done = subprocess.run(
        ["bash", "-euc", code + told], env={**os.environ, "AGENTCORE_TICK_SECRETS": secret(NEW)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    headers = dict(line.split(": ") for line in done.stdout.splitlines())

    async def test(http: Http) -> None:
        assert headers.keys() == signed(NEW).keys()
        ok(await http.post("/tick", headers=headers))

    asked(tmp_path, test)


def test_a_secret_that_was_taken_away_signs_no_more(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        ok(await http.post("/tick", headers=signed(NEW)))
        refused(await http.post("/tick", headers=signed(OLD)), 401, "unauthenticated")

    asked(tmp_path, test, tick_secrets=secret(NEW))


def test_without_a_secret_no_signature_is_good(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        refused(await http.post("/tick", headers=signed(b"")), 401, "unauthenticated")
        refused(await http.post("/tick", headers={**signed(NEW), "webhook-signature": ""}), 401, "unauthenticated")

    asked(tmp_path, test, tick_secrets="")


def test_a_signature_opens_no_other_route_and_stands_alone(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        for method, path in (("GET", "/metrics"), ("GET", "/usage"), ("POST", "/threads")):
            refused(await http.request(method, path, headers=signed(NEW)), 401, "unauthenticated")
        both = {**signed(NEW), **await as_key(http, "system")}
        refused(await http.post("/tick", headers=both), 401, "unauthenticated")
        twice = [*signed(NEW).items(), *signed(NEW).items()]
        refused(await http.post("/tick", headers=twice), 401, "unauthenticated")

    asked(tmp_path, test)


def test_a_body_means_nothing(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        for body in (b"", b"{}", b'{"seconds": 0}', b"\xff" * 1000):
            ok(await http.post("/tick", content=body, headers=signed(NEW)))

    asked(tmp_path, test)


def test_the_time_it_may_take_is_bounded(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        ok(await http.post("/tick?seconds=1.5", headers=signed(NEW)))
        for wrong in ("0", "241", "nan", "inf", "soon", "-1"):
            refused(await http.post(f"/tick?seconds={wrong}", headers=signed(NEW)), 422, "invalid", "seconds")

    asked(tmp_path, test)


def test_signers_are_limited_as_every_caller_is(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        ok(await http.post("/tick", headers=signed(NEW)))
        refused(await http.post("/tick", headers=signed(OLD)), 429, "rate_limited")

    asked(tmp_path, test, rate_per_second=0.001, rate_burst=1)


def test_where_nobody_is_asked_no_signature_is_needed(tmp_path: Path) -> None:
    async def test(http: Http) -> None:
        ok(await http.post("/tick"))
        ok(await http.post("/tick", headers=signed(OTHER)))

    asked(tmp_path, test, auth="none")


@pytest.mark.parametrize("wrong", ["hunter2", "whsec_c2hvcnQ="])
def test_a_secret_that_is_none_is_refused_at_the_start_and_not_repeated(tmp_path: Path, wrong: str) -> None:
    async def test(http: Http) -> None: ...

    with pytest.raises(Misconfigured, match="AGENTCORE_TICK_SECRETS") as caught:
        asked(tmp_path, test, tick_secrets=f"{secret(NEW)} {wrong}")
    assert wrong not in str(caught.value)
    assert secret(NEW) not in str(caught.value)
