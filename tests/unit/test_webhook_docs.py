"""docs/webhooks.md verifies what is signed, as it is written there."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentcore import webhooks
from agentcore.settings import Settings

SECRETS = ["whsec_" + base64.b64encode(letter * 32).decode() for letter in (b"a", b"b")]
BODY = b'{"type": "run.succeeded"}'


@pytest.fixture
def verified() -> Callable[[str, dict[str, str], bytes], bool]:
    text = Path(__file__).parents[2].joinpath("docs/webhooks.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)
    verify: Callable[[str, dict[str, str], bytes], bool] = found["verified"]
    return verify


def test_what_was_sent_is_verified_with_each_secret_and_nothing_else(verified: Any) -> None:
    keys = webhooks.secrets(Settings(webhook_secrets=" ".join(SECRETS)))
    headers = webhooks.signed(keys, "id", int(time.time()), BODY)
    assert all(verified(secret, headers, BODY) for secret in SECRETS)
    other = "whsec_" + base64.b64encode(b"c" * 32).decode()
    assert not verified(other, headers, BODY)
    assert not verified(SECRETS[0], headers, BODY + b" ")
    assert not verified(SECRETS[0], {**headers, "webhook-id": "other"}, BODY)
    old = webhooks.signed(keys, "id", int(time.time()) - 600, BODY)
    assert not verified(SECRETS[0], old, BODY)
