"""What a chat shows and asks, on a terminal or a pipe."""

from __future__ import annotations

import os
from typing import Any, TextIO

from agentcore.commands.text import clean, shorten


class Screen:
    def __init__(self, read: TextIO, write: TextIO) -> None:
        self._read, self._write = read, write
        self.tty = read.isatty() and write.isatty()
        self._dim = ("\x1b[2m", "\x1b[0m") if write.isatty() and "NO_COLOR" not in os.environ else ("", "")
        self._inline = False  # the cursor stands behind text

    def text(self, piece: str) -> None:
        """A piece of what the agent says, as it comes."""
        shown = clean(piece)
        self._put(shown)
        self._inline = not shown.endswith("\n") if shown else self._inline

    def note(self, line: str) -> None:
        """What happens, beside what is said."""
        self.line_end()
        self._put(f"{self._dim[0]}{clean(line)}{self._dim[1]}\n")

    def line_end(self) -> None:
        if self._inline:
            self._put("\n")
            self._inline = False

    def ask(self, prompt: str) -> str | None:
        """A line from the user; None at the end of the input, or on Ctrl-C."""
        self.line_end()
        if not self.tty:
            line = self._read.readline()
            return line.rstrip("\n") if line else None
        try:
            return input(prompt)  # line editing, where there is a terminal
        except (EOFError, KeyboardInterrupt):
            self._put("\n")
            return None

    def _put(self, text: str) -> None:
        self._write.write(text)
        self._write.flush()


def brief(value: Any, most: int = 300) -> str:
    return shorten(clean(value if isinstance(value, str) else str(value)), most)
