"""One Azure Functions app (Python v2 model) with the three roles. It is deployed from this folder."""

import azure.functions as func

from http_chat.azure_functions import blueprint as http_chat
from queue_worker.azure_functions import blueprint as queue_worker
from timer_wakeup.azure_functions import blueprint as timer_wakeup

app = func.FunctionApp()
for role in (http_chat, queue_worker, timer_wakeup):
    app.register_functions(role)
