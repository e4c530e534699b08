"""Runs on Cloud Run, from a Pub/Sub push subscription, and events from Eventarc.

uvicorn queue_worker.cloud_run:app --host 0.0.0.0 --port $PORT
"""

from starlette.requests import Request
from starlette.responses import Response

from agentcore.hosts import gcp, limits
from agentcore.hosts.messages import work
from agentcore.hosts.posts import posts
from agentcore.hosts.resident import Resident

resident = Resident()
resident.preload()
senders = gcp.Senders(resident.settings)
seconds = min(gcp.seconds(resident.settings), limits.PUBSUB_PUSH)


async def push(request: Request) -> Response:
    await senders.check(request.headers)
    message = gcp.message(request.headers, await request.body())
    (done,) = await work(resident, [message], resident.deadline(seconds))
    return Response(status_code=204 if done else 503)


app = posts(resident, push)
