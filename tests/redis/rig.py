"""A server that processes share, reached in one of the two ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from agentcore.ports import Shared
from agentcore.redis import open_shared
from agentcore.settings import Settings
from tests.redis.upstash import TOKEN, Upstash
from tests.redis.valkey import PASSWORD, Valkey

KINDS = ["redis", "upstash"]


class Rig:
    """Killing the server also breaks what Upstash's API has from it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.valkey = Valkey(folder)
        self.valkey.start()
        self._upstash = Upstash(self.valkey) if kind == "upstash" else None
        self.url = self._upstash.url if self._upstash else f"redis://127.0.0.1:{self.valkey.port}/0"
        self.token = TOKEN if self._upstash else PASSWORD

    @property
    def settings(self) -> dict[str, Any]:
        return {"redis_url": self.url, "redis_token": self.token}

    @property
    def environment(self) -> dict[str, str]:
        return {"AGENTCORE_REDIS_URL": self.url, "AGENTCORE_REDIS_TOKEN": self.token}

    def open(self, **other: Any) -> Shared:
        """As another process would."""
        shared = open_shared(Settings(**{**self.settings, **other}))
        assert shared is not None
        return shared

    def in_url(self) -> str:
        """The URL with its password."""
        return f"redis://:{quote(PASSWORD, safe='')}@127.0.0.1:{self.valkey.port}"

    def stop(self) -> None:
        if self._upstash:
            self._upstash.stop()
        self.valkey.kill()
