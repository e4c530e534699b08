"""The API on Cloud Run: uvicorn http_chat.cloud_run:app --host 0.0.0.0 --port $PORT"""

from agentcore.hosts import gcp
from agentcore.hosts.asgi import Hosted
from agentcore.hosts.resident import Resident

resident = Resident()
app = Hosted(resident, lambda scope: gcp.seconds(resident.settings))
