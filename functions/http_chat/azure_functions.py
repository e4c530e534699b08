"""The API on Azure Functions, by the HTTP streams of its Python worker."""

import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request, Response

from agentcore.hosts import azure, limits
from agentcore.hosts.asgi import Hosted, Through
from agentcore.hosts.resident import shared

azure.check_streams()
blueprint = func.Blueprint()
seconds = min(azure.seconds(), limits.AZURE_HTTP)
app = Hosted(shared(), lambda scope: seconds)


# Callers show who they are to our API, so the platform's own keys are not asked for.
@blueprint.route(route="{*route}", methods=list(func.HttpMethod), auth_level=func.AuthLevel.ANONYMOUS)
async def http_chat(req: Request) -> Response:
    return Through(app)
