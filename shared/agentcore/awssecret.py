"""Variables that AWS Secrets Manager holds, for a process to which its platform gives no secrets, as on Lambda."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import closing
from functools import cache

from agentcore.errors import Misconfigured

SETTING = "AGENTCORE_AWS_SECRET"
_FORM = 'It must hold one JSON object of texts, such as {"OPENAI_API_KEY": "…"}'
_FIXES = {
    "ResourceNotFoundException": "There is no such secret there: check region and name.",
    "AccessDeniedException": "Give the role of this process secretsmanager:GetSecretValue on it, and kms:Decrypt where "
    "it has a key of its own.",
}


@cache
def read(name: str) -> Mapping[str, str]:
    """The variables, read once in the life of this process. Raises Misconfigured, which never shows what they hold."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError as error:
        raise _misconfigured(name, 'It needs boto3. Run: pip install "agentcore[aws]"') from error
    try:
        return _variables(name, _text(name))
    except ClientError as error:
        fix = _FIXES.get(error.response["Error"]["Code"], "It cannot be read.")
        raise _misconfigured(name, f"{fix} ({error})") from error
    except BotoCoreError as error:
        raise _misconfigured(name, f"It cannot be read ({error})") from error


def _text(name: str) -> str | None:
    import boto3
    from botocore.config import Config

    parts = name.split(":")  # arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME
    region = parts[3] if len(parts) > 5 else os.environ.get("AWS_REGION")  # without it, boto3 looks where it does
    # A host gives a process about ten seconds to start, and a network without a way there answers nothing.
    config = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
    with closing(boto3.Session().client("secretsmanager", region_name=region, config=config)) as client:
        found: str | None = client.get_secret_value(SecretId=name).get("SecretString")
    return found


def _variables(name: str, text: str | None) -> Mapping[str, str]:
    try:
        found = json.loads(text or "")
    except ValueError:
        raise _misconfigured(name, _FORM) from None  # the error has the text in it
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise _misconfigured(name, _FORM)
    return found


def _misconfigured(name: str, what: str) -> Misconfigured:
    return Misconfigured(f"{SETTING}={name}: {what.rstrip('.')}.", setting=SETTING)
