"""`agentcore chat`: a terminal client of the HTTP API."""

from __future__ import annotations

import argparse
import sys
from uuid import uuid4

import httpx

from agentcore.commands.client import Client, Problem
from agentcore.commands.conversation import Conversation
from agentcore.commands.screen import Screen
from agentcore.errors import AgentCoreError
from agentcore.settings import Settings


def chat(args: argparse.Namespace, settings: Settings) -> int:
    """Talk until the input ends."""
    url = args.url or f"http://{settings.host}:{settings.port}"
    screen = Screen(sys.stdin, sys.stdout)
    with Client(url, settings.api_key) as client:
        conversation = Conversation(client, screen, agent=args.agent, thread=args.thread or str(uuid4()))
        server = f" --url {args.url}" if args.url else ""
        try:
            failed = _talk(conversation, screen, resume=args.thread is not None)
            screen.note(f"Go on with: agentcore chat{server} --agent {args.agent} --thread {conversation.thread}")
            return 1 if failed and not screen.tty else 0  # a script wants to know
        except httpx.TransportError as error:
            raise AgentCoreError(f"{url} does not answer ({error}). Start it with: agentcore dev") from None


def _talk(conversation: Conversation, screen: Screen, *, resume: bool) -> bool:
    """Talk until the input ends. Whether the last answer failed."""
    screen.note(f"{conversation.agent}, thread {conversation.thread}. Ctrl-C stops an answer, Ctrl-D ends.")
    failed = False
    if resume:
        conversation.resume()
    while (text := screen.ask("> ")) is not None:
        if not text.strip():
            continue
        try:
            failed = not conversation.say(text)
        except Problem as problem:
            failed = True
            screen.note(str(problem))
    return failed
