"""The tests' own Upstash says what Upstash's own client expects to hear."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import upstash_redis
from upstash_redis.errors import UpstashError

from tests.redis.rig import Rig
from tests.redis.upstash import TOKEN


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig("upstash", tmp_path)
    yield rig
    rig.stop()


@pytest.mark.parametrize("encoding", ["base64", None])
def test_commands_pipelines_and_transactions(rig: Rig, encoding: str | None) -> None:
    with upstash_redis.Redis(rig.url, TOKEN, rest_encoding=encoding) as client:  # type: ignore[arg-type]  # a literal
        assert client.set("a", "ü OK", ex=60)
        assert client.get("a") == "ü OK"
        assert client.get("nothing") is None
        assert client.rpush("l", "1", "2") == 2
        assert client.lrange("l", 0, -1) == ["1", "2"]
        assert client.hset("h", values={"x": 1}) == 1
        assert client.hgetall("h") == {"x": "1"}
        assert client.execute(["SET", "json", {"deep": 1}]) is True  # the client makes that of OK
        assert client.get("json") == '{"deep": 1}'
        assert client.eval("return {KEYS[1], ARGV[1]}", keys=["k"], args=["v"]) == ["k", "v"]
        assert client.publish("c", "m") == 0
        pipeline = client.pipeline()
        pipeline.incr("n")
        pipeline.incr("n")
        assert pipeline.exec() == [1, 2]
        multi = client.multi()
        multi.incr("n")
        multi.get("n")
        assert multi.exec() == [3, "3"]


def test_errors(rig: Rig) -> None:
    with upstash_redis.Redis(rig.url, TOKEN) as client:
        client.set("a", "text")
        with pytest.raises(UpstashError, match="not an integer"):
            client.incr("a")
        with pytest.raises(UpstashError, match="unknown command"):
            client.execute(["NOPE"])
    with upstash_redis.Redis(rig.url, "wrong") as client, pytest.raises(UpstashError, match="Unauthorized"):
        client.get("a")


def test_statuses_and_the_token_in_the_query(rig: Rig) -> None:
    with httpx.Client(base_url=rig.url, trust_env=False) as http:
        assert http.post("/", json=["PING"]).status_code == 401
        assert http.post(f"/?_token={TOKEN}", json=["PING"]).json() == {"result": "PONG"}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert http.post("/", json=["NOPE"], headers=headers).status_code == 400
        assert http.post("/", content=b"{", headers=headers).status_code == 400
        rig.valkey.kill()
        assert http.post("/", json=["PING"], headers=headers).status_code == 500


def test_subscriptions_are_server_sent_events(rig: Rig) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/event-stream"}
    with (
        httpx.Client(base_url=rig.url, headers=headers, trust_env=False) as http,
        http.stream("POST", "/subscribe/chat") as answer,
    ):
        assert answer.headers["content-type"] == "text/event-stream"
        lines = (line for line in answer.iter_lines() if line)
        assert next(lines) == "data: subscribe,chat,1"
        rig.valkey.ask("PUBLISH", "chat", "hello, you")
        assert next(lines) == "data: message,chat,hello, you"
