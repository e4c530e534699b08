"""The clock on Azure Functions, every minute."""

import azure.functions as func

from agentcore.hosts import azure
from agentcore.hosts.messages import tick
from agentcore.hosts.resident import shared

blueprint = func.Blueprint()
resident, seconds = shared(), azure.seconds()


@blueprint.timer_trigger(schedule="0 * * * * *", arg_name="timer", run_on_startup=False)
async def timer_wakeup(timer: func.TimerRequest) -> None:
    await tick(resident, resident.deadline(seconds))
