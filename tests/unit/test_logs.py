"""What a line of the log says of an error."""

from __future__ import annotations

import logging

import pytest

from agentcore.errors import Unavailable
from agentcore.logs import brief, detail, trace

log = logging.getLogger("agentcore.tests")


def away() -> Unavailable:
    error = Unavailable("The database cannot be reached.")
    error.__cause__ = OSError("connection refused\nIs the server running?")
    return error


def test_an_error_is_one_line_with_what_brought_it_about() -> None:
    assert brief(away()) == "Unavailable: The database cannot be reached. (OSError: connection refused)"
    assert brief(TimeoutError()) == "TimeoutError"


@pytest.mark.parametrize("error", [away(), ConnectionRefusedError("no"), TimeoutError()])
def test_what_is_away_brings_its_traceback_only_where_all_is_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, log.name):
        assert trace(log, error) is None
    with caplog.at_level(logging.DEBUG, log.name):
        assert trace(log, error) is error


def test_a_flaw_brings_its_traceback_unless_it_was_foreseen(caplog: pytest.LogCaptureFixture) -> None:
    flaw = KeyError("x")
    with caplog.at_level(logging.INFO, log.name):
        assert trace(log, flaw) is flaw
        assert detail(log, flaw) is None
