"""The numbers of the platforms, with their sources. Seconds, unless it says otherwise.

Where a platform tells a process how long it has, that is what counts, and not what is here.
"""

from __future__ import annotations

# AWS. Lambda developer guide, "Lambda quotas": a function runs 900 s at most. The time left is in its context.
LAMBDA_MOST = 900.0
# API Gateway developer guide, "Quotas for configuring and running an HTTP API": maximum integration time-out.
HTTP_API = 30.0
# The same, "Quotas for configuring and running a REST API": 29 s, which can be raised for regional and private ones.
REST_API = 29.0
# Elastic Load Balancing, "Edit attributes for your Application Load Balancer": the idle time-out is 60 s by default.
ALB = 60.0
# Lambda developer guide, "Using Lambda with Amazon SQS": the visibility time-out should be six times the function's.
SQS_BATCH = 10  # messages, by default

# Google. Cloud Run documentation, "Set request timeout": 300 s by default, 3600 s at most.
CLOUD_RUN = 300.0
# "Container runtime contract": SIGTERM comes 10 s before SIGKILL.
CLOUD_RUN_GRACE = 10.0
# Pub/Sub documentation, "Create push subscriptions": an answer counts within the acknowledgement deadline, 10 to 600 s.
PUBSUB_PUSH = 600.0

# Azure. "host.json reference for Azure Functions": functionTimeout is 5 minutes by default on the Consumption plan, and
# 30 minutes on all others. Unknown here, so the least.
AZURE_FUNCTIONS = 300.0
# "Azure Functions scale and hosting", function app time-out duration: the load balancer cuts an HTTP answer at 230 s.
# (It counts the time in which no byte passes, as the host's own proxy does; a wait passes none.)
AZURE_HTTP = 230.0
# "Azure Service Bus bindings": a function that fails gives its message back at once, so we hold it back; its lock lasts
# 30 s at least by any default, and is renewed while the function runs.
AZURE_HELD = 20.0

# Kubernetes documentation, "Pod lifecycle": terminationGracePeriodSeconds; Container Apps has the same default.
POD_GRACE = 30.0
