"""The command line: parse, call, reply. Each command's module is imported when it is called, and not before."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from agentcore import loading, logs
from agentcore import settings as environment
from agentcore.errors import AgentCoreError
from agentcore.version import __version__

_EXAMPLES = """\
first steps:
  agentcore dev                        everything in one process, state in .agentcore/agentcore.db
  agentcore chat                       talk to the agent `support` of a running server
  agentcore runs                       what ran; `agentcore runs RUN_ID` shows a run's journal

in production, each its own process (or function):
  agentcore migrate                    once, before each new version
  agentcore serve                      the HTTP API
  agentcore work                       move runs forward; --drain exits when nothing is left
  agentcore tick                       wake what is due, once: call it every minute or so

Settings are environment variables, such as AGENTCORE_DATABASE_URL, AGENTCORE_AGENTS, AGENTCORE_MODEL and
OPENAI_API_KEY. `agentcore doctor` checks them and says what to fix.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 (it says why not all is well), 2 (cannot be done) or 130 (Ctrl-C)."""
    loading.collect_seldom()
    args = _parser().parse_args(argv)
    try:
        settings = environment.load(**_overrides(args))
        logs.set_up(settings)
        if "" not in sys.path:
            sys.path.append("")  # AGENTCORE_AGENTS may name a module here; last, so that it shadows nothing of ours
        command = importlib.import_module(f"agentcore.commands.{args.module}")
        code: int = getattr(command, args.verb)(args, settings)
        return code
    except AgentCoreError as error:
        print(f"agentcore: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `agentcore runs | head`: nobody reads on, and the flush at exit must not fail too
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agentcore", description="Durable OpenAI Agents SDK agents.", epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"agentcore {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (_dev, _serve, _work, _tick, _migrate, _chat, _runs, _redrive, _keys, _preflight, _doctor):
        add(commands)
    return parser


_Commands = argparse._SubParsersAction  # argparse has no public name for it


def _add(
    commands: _Commands[argparse.ArgumentParser], name: str, verb: str, text: str, examples: str
) -> argparse.ArgumentParser:
    module, _, function = verb.partition(":")
    parser = commands.add_parser(
        name, help=text, description=text, epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.set_defaults(module=module, verb=function)
    return parser


def _dev(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands, "dev", "dev:dev", "Run API, worker and timer in one process, with state in an SQLite file.",
        "  agentcore dev\n  agentcore dev --port 9000 --db /tmp/try.db\n  OPENAI_API_KEY=… agentcore dev",
    )  # fmt: skip
    _address(parser)
    _database(parser)


def _serve(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands, "serve", "serve:serve", "Serve the HTTP API. Background runs need `agentcore work` beside it.",
        "  AGENTCORE_DATABASE_URL=postgresql://… agentcore serve --port 8080",
    )  # fmt: skip
    _address(parser)
    _database(parser)


def _work(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands, "work", "work:work", "Move runs forward, until stopped. SIGTERM hands them over.",
        "  agentcore work\n  agentcore work --drain                  exit when nothing is left to do\n"
        "  agentcore work --max-seconds 800        exit in time for a job's limit of 15 minutes",
    )  # fmt: skip
    parser.add_argument("--drain", action="store_true", help="exit when the bus is empty and nothing is under way")
    parser.add_argument("--max-seconds", type=float, metavar="N", help="hand over and exit within so many seconds")
    _database(parser)


def _tick(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands, "tick", "work:tick", "Wake everything that is due, once. Safe from many places at once.",
        "  agentcore tick          from cron, a Kubernetes CronJob, a Container Apps Job…",
    )  # fmt: skip
    _database(parser)


def _migrate(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands, "migrate", "work:migrate", "Bring the database's schema to this version. Safe to repeat.",
        "  AGENTCORE_DATABASE_URL=postgresql://… agentcore migrate",
    )  # fmt: skip
    _database(parser)


def _chat(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands, "chat", "chat:chat", "Talk to an agent of a running server. Ctrl-C stops its answer.",
        "  agentcore chat\n  agentcore chat --agent account_manager\n"
        "  agentcore chat --thread THREAD_ID        go on with a conversation\n"
        "  echo 'Where is order 1001?' | agentcore chat",
    )  # fmt: skip
    parser.add_argument("--url", help="the server (default: http://HOST:PORT of the settings)")
    parser.add_argument("--agent", default="support", help="whom to talk to (default: support)")
    parser.add_argument("--thread", metavar="ID", help="a conversation to go on with")


def _runs(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands, "runs", "runs:runs", "List runs, or show one with its journal.",
        "  agentcore runs --state failed\n  agentcore runs RUN_ID\n  agentcore runs RUN_ID --json",
    )  # fmt: skip
    parser.add_argument("run_id", nargs="?", metavar="RUN_ID", help="show this one")
    parser.add_argument("--thread", metavar="ID", help="only runs of this thread")
    parser.add_argument("--state", help="only runs in this state: queued, running, waiting, failed…")
    parser.add_argument("--limit", type=_positive, default=20, metavar="N", help="how many (default: 20)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    _stored(parser)


def _redrive(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands, "redrive", "runs:redrive", "Start a failed, cancelled or expired run again, from where it stopped.",
        "  agentcore redrive RUN_ID",
    )  # fmt: skip
    parser.add_argument("run_id", metavar="RUN_ID")
    _stored(parser)


def _keys(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands, "keys", "keys:keys", "Make, list and revoke the API keys that programs call with.",
        "  agentcore keys create --name ci --scope runs:write --scope runs:read --expires 90d\n"
        "  agentcore keys list --tenant acme\n  agentcore keys revoke KEY_ID",
    )  # fmt: skip
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    example = "  KEY=$(agentcore keys create --name ci --tenant acme --scope runs:write,runs:read)"
    create = _add(actions, "create", "keys:create", "Make a key, and print it this once.", example)
    create.add_argument("--name", required=True, help="what it is for, as decisions and lists will show it")
    create.add_argument("--scope", action="append", required=True, help="what it may do; repeat it (see docs/auth.md)")
    create.add_argument("--expires", metavar="WHEN", help="a time, or how long from now: 90d (default: never)")
    listed = _add(actions, "list", "keys:keys", "List keys, also those that ended.", "  agentcore keys list --json")
    listed.add_argument("--json", action="store_true", help="one JSON object a line")
    revoke = _add(actions, "revoke", "keys:revoke", "End a key's life.", "  agentcore keys revoke KEY_ID")
    revoke.add_argument("key_id", metavar="KEY_ID", help="as `agentcore keys list` shows it")
    for action in (create, listed, revoke):
        _stored(action)


def _preflight(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands, "preflight", "preflight:preflight",
        "Replay every parked run against this code, calling no model and no tool: which would not resume?",
        "  agentcore preflight && deploy       before a deploy; exits 1 if a run would not resume",
    )  # fmt: skip
    _database(parser)


def _doctor(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = _add(
        commands, "doctor", "doctor:doctor", "Check settings and what they point at, and say what to fix.",
        "  agentcore doctor        exits 1 if something must be fixed",
    )  # fmt: skip
    _database(parser)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return number


def _address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on (AGENTCORE_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 picks a free one (AGENTCORE_PORT)")


def _database(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--db", metavar="FILE|URL", help="the database (AGENTCORE_DATABASE_URL)")


def _stored(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tenant", default="default", help="whose (default: default)")
    _database(parser)


def _overrides(args: argparse.Namespace) -> dict[str, Any]:
    """Flags win over the environment."""
    database: str | None = getattr(args, "db", None)
    if database is not None and "://" not in database:
        database = f"sqlite:///{database}"
    return {"host": getattr(args, "host", None), "port": getattr(args, "port", None), "database_url": database}
