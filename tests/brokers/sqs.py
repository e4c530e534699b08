"""SQS, as moto's server has it, in a process of its own: in ours it would hold up all else that runs here."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from tests.brokers.broker import Dead, Server, Traits, fresh
from tests.brokers.proxy import Proxy
from tests.e2e.processes import environment, free_port

_REGION, _ACCOUNT = "eu-central-1", "123456789012"


class Sqs:
    name = "sqs"
    traits = Traits(delays=True, refuses="credentials")

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="agentcore-sqs-"))
        port = free_port()
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        self._server = Server(command, port, self.folder, environment())
        self._server.start()
        self.proxy = Proxy(port)
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": _REGION}
        self._client: Any = boto3.client("sqs", endpoint_url=f"http://127.0.0.1:{port}", **keys)

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "AWS_ENDPOINT_URL_SQS": f"http://127.0.0.1:{self.proxy.port}", "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip

    def queue(self, *, again: int = 1) -> str:
        name = fresh()
        dead = self._client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        arn = self._client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "50"})
        self._client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(again), "RedrivePolicy": policy})
        return f"sqs://{_REGION}/{_ACCOUNT}/{name}"

    def missing(self) -> str:
        return f"sqs://{_REGION}/{_ACCOUNT}/{fresh()}"

    def stranger(self, url: str) -> tuple[str, Mapping[str, str]]:
        nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}
        return url, {**nobody, "AWS_CONFIG_FILE": "/nowhere"}

    def put(self, url: str, body: bytes, attributes: Mapping[str, str] | None = None) -> None:
        given = {name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()}
        self._client.send_message(QueueUrl=self._at(url), MessageBody=body.decode(), MessageAttributes=given)

    def dead(self, url: str) -> list[Dead]:
        where = self._at(url) + "-dead"
        answer = self._client.receive_message(QueueUrl=where, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        found = answer.get("Messages", [])
        for one in found:
            self._client.delete_message(QueueUrl=where, ReceiptHandle=one["ReceiptHandle"])
        given = [({k: v["StringValue"] for k, v in one["MessageAttributes"].items()}, one["Body"]) for one in found]
        return [Dead(body.encode(), attributes.pop("reason"), attributes) for attributes, body in given]

    def stop(self) -> None:
        self.proxy.cut()
        self._client.close()
        self._server.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _at(self, url: str) -> str:
        found: str = self._client.get_queue_url(QueueName=url.rpartition("/")[2])["QueueUrl"]
        return found
