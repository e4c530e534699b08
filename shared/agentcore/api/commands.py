"""Commands of the Agent Protocol to a thread (its streaming/protocol.cddl): one in, one answer out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from agentcore.api.frames import Code, CommandError, failed, succeeded
from agentcore.auth import Principal, Scope
from agentcore.errors import AgentCoreError, AlreadyDecided, ArgumentsChanged, NotFound
from agentcore.records import Run
from agentcore.service import Service

log = logging.getLogger("agentcore.api")
_FAILED = "Something went wrong here. It is logged; try again later."


@dataclass(frozen=True)
class Desk:
    """Where the commands of one caller to one thread are taken."""

    verbs: Service
    who: Principal
    thread_id: str
    here: bool = False  # runs may execute in this process, as their caller stays connected

    @property
    def tenant(self) -> str:
        return self.who.tenant

    async def head(self) -> Run | None:
        """The thread's unfinished run. NotFound."""
        thread = await self.verbs.store.thread(self.tenant, self.thread_id)
        return await self.verbs.store.run(self.tenant, thread.head_id) if thread.head_id else None

    async def run(self, run_id: str | None = None) -> Run:
        """A run of this thread; the one at work, else the last, where none is named. CommandError (no_such_run)."""
        found = await (self._named(run_id) if run_id else self.head())
        if found is None and run_id is None:
            last = await self.verbs.store.runs(self.tenant, thread_id=self.thread_id, limit=1)
            found = last[0] if last else None
        if found is None or found.thread_id != self.thread_id:
            raise CommandError("no_such_run", f"This thread has no run{f' {run_id[:40]}' if run_id else ''}.")
        return found

    async def _named(self, run_id: str) -> Run | None:
        try:
            return await self.verbs.store.run(self.tenant, run_id)
        except (NotFound, ValueError):
            return None


@dataclass(frozen=True)
class Result:
    """What a command came to."""

    data: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)


Handler = Callable[[Desk, Any], Awaitable[Result]]
HANDLERS: dict[str, tuple[Scope, type[BaseModel], Handler]] = {}


def command(method: str, scope: Scope, params: type[BaseModel]) -> Callable[[Handler], Handler]:
    """Registers what answers a method, for callers with that scope."""

    def register(handler: Handler) -> Handler:
        HANDLERS[method] = scope, params, handler
        return handler

    return register


async def answer(desk: Desk, id: int, method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
    """Carry a command out. Only a thread that is not there raises (NotFound); all else is an answer."""
    try:
        found = HANDLERS.get(method)
        if found is None:
            raise CommandError("unknown_command", f"There is no command {method[:100]!r}.")
        scope, model, handler = found
        desk.who.need(scope)
        result = await handler(desk, checked(model, params))
    except CommandError as error:
        return failed(id, error)
    except AgentCoreError as error:
        if isinstance(error, NotFound) and error.details.get("thread_id") == desk.thread_id:
            raise
        return failed(id, refused(error))
    except Exception:
        log.exception("the command %s failed", method[:100])
        return failed(id, CommandError("unknown_error", _FAILED))
    return succeeded(id, result.data, result.meta)


def checked(model: type[BaseModel], params: Mapping[str, Any] | None) -> Any:
    """Params as their model. CommandError (invalid_argument), naming the field."""
    try:
        return model.model_validate(dict(params or {}))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or first.get("ctx", {}).get("field", "params")
        raise CommandError("invalid_argument", f"{name}: {first['msg']}", {"field": name}) from None


def refused(error: AgentCoreError) -> CommandError:
    """A refusal of the service in the protocol's codes; `meta` has our own code and the details."""
    code: Code = "invalid_argument"
    if isinstance(error, AlreadyDecided | ArgumentsChanged):
        code = "no_such_interrupt"
    elif error.status in (401, 403):
        code = "permission_denied"
    elif error.status >= 500:
        code = "unknown_error"
    return CommandError(code, error.message, {"code": error.code, **error.details})
