"""Runs on AWS Lambda, from an SQS queue (with ReportBatchItemFailures), and events from EventBridge rules.

Handler: queue_worker.aws_lambda.handler
"""

from collections.abc import Mapping
from typing import Any

from agentcore.hosts import aws
from agentcore.hosts.messages import work
from agentcore.hosts.resident import Resident

resident = Resident()
resident.preload()


def handler(event: Mapping[str, Any], context: Any) -> Mapping[str, Any]:
    limit = resident.deadline(aws.seconds(context))
    done = resident.run(work(resident, aws.messages(event), limit))
    return aws.answer(event, done)
