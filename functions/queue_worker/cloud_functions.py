"""Runs as a Cloud Run function, from a Pub/Sub trigger or any other of Eventarc's.

functions-framework --asgi --signature-type cloudevent --target queue_worker --source queue_worker/cloud_functions.py
"""

from cloudevents.http.event import CloudEvent
from functions_framework import aio

from agentcore.errors import Unavailable
from agentcore.hosts import gcp
from agentcore.hosts.messages import work
from agentcore.hosts.resident import Resident

resident = Resident()
resident.preload()


@aio.cloud_event
async def queue_worker(event: CloudEvent) -> None:
    limit = resident.deadline(gcp.seconds(resident.settings))
    (done,) = await work(resident, [gcp.from_cloud_event(event)], limit)
    if not done:
        raise Unavailable("The message could not be taken; it comes again where the trigger retries.")
