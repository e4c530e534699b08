"""The clock on Cloud Run: Cloud Scheduler posts every minute. (As a Cloud Run job: `agentcore tick`.)

uvicorn timer_wakeup.cloud_run:app --host 0.0.0.0 --port $PORT
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from agentcore.hosts import gcp
from agentcore.hosts.messages import tick
from agentcore.hosts.posts import posts
from agentcore.hosts.resident import Resident

resident = Resident()
senders = gcp.Senders(resident.settings)


async def ring(request: Request) -> Response:
    await senders.check(request.headers)
    return JSONResponse(await tick(resident, resident.deadline(gcp.seconds(resident.settings))))


app = posts(resident, ring)
