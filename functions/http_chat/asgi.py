"""The API on any ASGI server: uvicorn http_chat.asgi:app, or granian --interface asgi http_chat.asgi:app

Also under the AWS Lambda Web Adapter, which streams. `agentcore serve` is the same with a server of its own.
"""

from starlette.types import Scope

from agentcore.hosts.asgi import Hosted
from agentcore.hosts.lambda_web_adapter import web_adapter_seconds
from agentcore.hosts.resident import Resident

resident = Resident()


def seconds(scope: Scope) -> float:
    return web_adapter_seconds(scope) or resident.settings.host_seconds or float("inf")


app = Hosted(resident, seconds)
