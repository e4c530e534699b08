"""The command line on AWS Lambda, for deployments and operators: {"args": ["migrate"]} runs `agentcore migrate`.

Handler: command.aws_lambda.handler
"""

from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

from agentcore.cli import main
from agentcore.errors import AgentCoreError


def handler(event: Mapping[str, Any], context: Any) -> Mapping[str, str]:
    """What the command said. Raises AgentCoreError with it where the command did not end well: a deployment stops."""
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            code = main(event["args"])
        except SystemExit as end:  # of the parser: a wrong command, or --help
            code = int(end.code or 0)
    if code:
        raise AgentCoreError(f"agentcore {' '.join(event['args'])} ended with {code}:\n{said.getvalue()}")
    return {"output": said.getvalue()}
