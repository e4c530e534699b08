"""The clock on AWS Lambda, called by EventBridge Scheduler every minute, with whatever payload.

Handler: timer_wakeup.aws_lambda.handler
"""

from collections.abc import Mapping
from typing import Any

from agentcore.hosts import aws
from agentcore.hosts.messages import tick
from agentcore.hosts.resident import Resident

resident = Resident()


def handler(event: Any, context: Any) -> Mapping[str, int]:
    return resident.run(tick(resident, resident.deadline(aws.seconds(context))))
