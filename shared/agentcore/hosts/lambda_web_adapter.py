"""The AWS Lambda Web Adapter: an extension that runs beside a web server in a Lambda function, and streams."""

from __future__ import annotations

import json
import os
import time

from starlette.types import Scope


def web_adapter_seconds(scope: Scope) -> float | None:
    """How long this invocation may still run; None outside Lambda.

    Its README, "Can I access Lambda context": a header that it sets itself, whatever the client sent.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return None
    found = dict(scope["headers"]).get(b"x-amzn-lambda-context")
    deadline = json.loads(found).get("deadline") if found else None
    return deadline / 1000 - time.time() if deadline else None
