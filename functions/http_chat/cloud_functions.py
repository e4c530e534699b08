"""The API as a Cloud Run function.

functions-framework --asgi --target http_chat --source http_chat/cloud_functions.py
"""

from functions_framework import aio
from starlette.requests import Request
from starlette.responses import Response

from agentcore.hosts import gcp
from agentcore.hosts.asgi import Hosted, Through
from agentcore.hosts.resident import Resident

resident = Resident()
app = Hosted(resident, lambda scope: gcp.seconds(resident.settings))


@aio.http
async def http_chat(request: Request) -> Response:
    return Through(app)
