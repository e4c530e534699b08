"""One `agentcore dev` at a time on one SQLite file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agentcore.errors import Misconfigured
from agentcore.settings import Settings
from agentcore.urls import database_file

Say = Callable[[str], None]


@contextmanager
def alone(settings: Settings) -> Iterator[Say | None]:
    """Hold the file's lock, which ends with the process however it dies. None: there is no file to lock.

    The yielded function writes down who holds it. Raises Misconfigured, naming the holder, where another one does.
    """
    path = database_file(settings.database_url)
    try:
        import fcntl
    except ImportError:  # Windows
        path = None
    if path is None:
        yield None
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{path}.dev", "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            who = file.read().strip() or "another process"
            raise Misconfigured(f"`agentcore dev` runs on {path} already: {who}. Stop it, or use --db.") from None

        def say(who: str) -> None:
            file.seek(0)
            file.truncate()
            file.write(who)
            file.flush()

        yield say
