"""Azure Database for PostgreSQL with Microsoft Entra: the managed identity; AZURE_CLIENT_ID says which of several."""

from __future__ import annotations

from functools import cache

from azure.identity import DefaultAzureCredential
from sqlalchemy import URL

from agentcore.store.identity import Token

_SCOPE = "https://ossrdbms-aad.database.windows.net/.default"


def fetch(url: URL) -> Token:
    found = _credential().get_token(_SCOPE)
    return Token(found.token, float(found.expires_on))


@cache
def _credential() -> DefaultAzureCredential:
    return DefaultAzureCredential()
