"""The API on Azure Functions. Answers come whole: read events with a cursor (docs/hosts.md)."""

import azure.functions as func

from agentcore.hosts import azure, limits
from agentcore.hosts.asgi import Hosted
from agentcore.hosts.resident import shared

blueprint = func.Blueprint()
seconds = min(azure.seconds(), limits.AZURE_HTTP)
middleware = func.AsgiMiddleware(Hosted(shared(), lambda scope: seconds))


# Callers show who they are to our API, so the platform's own keys are not asked for.
@blueprint.route(route="{*route}", methods=list(func.HttpMethod), auth_level=func.AuthLevel.ANONYMOUS)
async def http_chat(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return await middleware.handle_async(req, context)
