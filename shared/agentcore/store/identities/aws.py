"""Amazon RDS and Aurora with IAM authentication: the process's role signs a token for itself, which asks nobody."""

from __future__ import annotations

import os
import time

from botocore.model import ServiceId
from botocore.session import get_session
from botocore.signers import RequestSigner
from sqlalchemy import URL

from agentcore.store.identity import Token

_SECONDS = 900  # RDS user guide, "IAM database authentication": a token is good for 15 minutes
_SCHEME = "https://"


def fetch(url: URL) -> Token:
    """What `generate_db_auth_token` of boto3 gives, without its client, which costs a quarter of a second to make."""
    session, until = get_session(), time.time() + _SECONDS
    region = _region(url.host or "")
    signer = RequestSigner(
        ServiceId("RDS"), region, "rds-db", "v4", session.get_credentials(), session.get_component("event_emitter")
    )
    request = {
        "method": "GET", "url": f"{_SCHEME}{url.host}:{url.port or 5432}/", "headers": {}, "context": {},
        "body": {"Action": "connect", "DBUser": url.username},
    }  # fmt: skip
    signed: str = signer.generate_presigned_url(
        request, operation_name="connect", region_name=region, expires_in=_SECONDS, signing_name="rds-db"
    )
    return Token(signed.removeprefix(_SCHEME), until)


def _region(host: str) -> str:
    """Of an endpoint of RDS, NAME.ID.REGION.rds.amazonaws.com; behind a name of your own, where this process runs."""
    name, found, _ = host.partition(".rds.amazonaws.com")
    region = name.rpartition(".")[2] if found else os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise LookupError(f"{host} does not tell its region: set AWS_REGION")
    return region
