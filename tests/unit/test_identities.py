"""What the clouds' own clients give as a token, asked by what we call."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from sqlalchemy import make_url

from agentcore.store.identities import aws
from tests.e2e.processes import environment

RDS = "db.abc123.eu-central-1.rds.amazonaws.com"


@pytest.fixture
def role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials as Lambda gives them."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
        monkeypatch.setenv(f"AWS_{name}", f"test/{name}+")
    for name in ("REGION", "DEFAULT_REGION", "PROFILE"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)


def official(host: str, region: str, port: int = 5432) -> str:
    client = boto3.Session().client("rds", region_name=region)
    token: str = client.generate_db_auth_token(DBHostname=host, Port=port, DBUsername="the role")
    client.close()
    return token


def both(url: str, *given: Any) -> tuple[str, str]:
    """Ours and boto3's, of the same second."""
    while True:
        ours, theirs = aws.fetch(make_url(url)).text, official(*given)
        if _date(ours) == _date(theirs):
            return ours, theirs


def _date(token: str) -> list[str]:
    return parse_qs(urlsplit(f"https://{token}").query)["X-Amz-Date"]


@pytest.mark.usefixtures("role")
def test_the_token_of_aws_is_what_boto3_signs() -> None:
    ours, theirs = both(f"postgresql://the%20role@{RDS}/d", RDS, "eu-central-1")
    assert ours == theirs
    assert "X-Amz-Security-Token" in ours
    until = aws.fetch(make_url(f"postgresql://u@{RDS}/d")).until
    assert until - time.time() == pytest.approx(900, abs=60)


@pytest.mark.usefixtures("role")
def test_behind_a_name_of_your_own_the_region_is_the_processs(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LookupError, match="AWS_REGION"):
        aws.fetch(make_url("postgresql://u@db.example.com/d"))
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    ours, theirs = both("postgresql://the%20role@db.example.com:6543/d", "db.example.com", "us-east-2", 6543)
    assert ours == theirs


class Metadata:
    """What Azure and Google put beside a process to tell it who it is."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.paths.append(self.path)
                body = json.dumps(server._answer(self.path, self.headers)).encode()
                self.send_response(200)
                for name, value in {"Metadata-Flavor": "Google", "Content-Type": "application/json"}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.at = f"127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def _answer(self, path: str, headers: Any) -> Any:
        if path.startswith("/azure"):
            assert headers["X-IDENTITY-HEADER"] == "here"
            return {"access_token": "of azure", "expires_on": str(int(time.time()) + 3600), "token_type": "Bearer"}
        if "/token" in path:
            return {"access_token": "of google", "expires_in": 3599, "token_type": "Bearer"}
        return {"email": "run@project.iam.gserviceaccount.com", "aliases": ["default"], "scopes": []}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    it = Metadata()
    yield it
    it.stop()


def fetched(cloud: str, folder: Path, **more: str) -> tuple[str, float]:
    """A process of its own: the clients read their environment when they are imported."""
    code = f"""
import time
from sqlalchemy import make_url
from agentcore.store.identities.{cloud} import fetch
token = fetch(make_url("postgresql://u@h/d"))
print(token.text, token.until - time.time(), sep="|")
"""
    env = environment(HOME=str(folder), TZ="Asia/Kolkata", **more)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text, seconds = done.stdout.strip().split("|")
    return text, float(seconds)


def test_azure_is_asked_for_a_token_for_postgresql(metadata: Metadata, tmp_path: Path) -> None:
    text, seconds = fetched(
        "azure", tmp_path, IDENTITY_ENDPOINT=f"http://{metadata.at}/azure", IDENTITY_HEADER="here", AZURE_CLIENT_ID="me"
    )
    assert text == "of azure"
    assert seconds == pytest.approx(3600, abs=60)
    (asked,) = (parse_qs(urlsplit(path).query) for path in metadata.paths)
    assert asked["resource"] == ["https://ossrdbms-aad.database.windows.net"]
    assert asked["client_id"] == ["me"]


def test_google_is_asked_for_a_token_that_only_signs_in(metadata: Metadata, tmp_path: Path) -> None:
    text, seconds = fetched(
        "gcp", tmp_path, GCE_METADATA_HOST=metadata.at, GCE_METADATA_IP=metadata.at, GOOGLE_CLOUD_PROJECT="p"
    )
    assert text == "of google"
    assert seconds == pytest.approx(3599, abs=60)
    asked = [parse_qs(urlsplit(path).query) for path in metadata.paths if "/token" in path]
    assert asked == [{"scopes": ["https://www.googleapis.com/auth/sqlservice.login"]}]
