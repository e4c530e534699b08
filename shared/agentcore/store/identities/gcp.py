"""Google Cloud SQL with IAM database authentication: the service account; its role is its address without the end
`.gserviceaccount.com`."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import google.auth
from google.auth.transport.requests import Request
from sqlalchemy import URL

from agentcore.store.identity import Token

_SCOPE = "https://www.googleapis.com/auth/sqlservice.login"


def fetch(url: URL) -> Token:
    credentials: Any = google.auth.default(scopes=[_SCOPE])[0]
    credentials.refresh(Request())
    return Token(credentials.token, credentials.expiry.replace(tzinfo=UTC).timestamp())  # it is UTC, and says no zone
