"""The API on AWS Lambda, behind an HTTP API, a REST API, a function URL or an Application Load Balancer.

Handler: http_chat.aws_lambda.handler
"""

from agentcore.hosts import aws_http
from agentcore.hosts.resident import Resident

handler = aws_http.handler(Resident())
