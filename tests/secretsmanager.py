"""AWS Secrets Manager, as moto's server has it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

REGION = "eu-central-1"


class SecretsManager:
    def __init__(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
        self._server.start()
        _, port = self._server.get_host_and_port()
        endpoint = f"http://127.0.0.1:{port}"
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
        self.client: Any = boto3.client("secretsmanager", endpoint_url=endpoint, **keys)
        self.environment: Mapping[str, str] = {
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip

    def put(self, text: str | bytes) -> str:
        """A new secret; its ARN."""
        kind = "SecretString" if isinstance(text, str) else "SecretBinary"
        arn: str = self.client.create_secret(Name=f"test/{uuid.uuid4().hex}", **{kind: text})["ARN"]
        return arn

    def stop(self) -> None:
        self.client.close()
        self._server.stop()
