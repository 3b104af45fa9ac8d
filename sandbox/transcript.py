"""A conversation as it is read in a terminal."""

import textwrap
from collections.abc import Callable

from sandbox.telegram.model import Message

WIDTH = 64
_INDENT = " " * 4


class Transcript:
    """Prints what people and the bot say, in turn."""

    def __init__(self, write: Callable[[str], object] = print) -> None:
        self._write = write

    def scene(self, title: str) -> None:
        """A new scene."""
        self._write(f"\n━━ {title} {'━' * max(2, WIDTH - len(title))}\n")

    def happening(self, what: str) -> None:
        """Something that happens elsewhere."""
        self._write(f"· {what}\n")

    def person(self, name: str, says: str) -> None:
        """What a person types."""
        self._write(f"{name} ▸ {says}\n")

    def tap(self, name: str, label: str) -> None:
        """What a person taps."""
        self._write(f"{name} ☞ [{label}]\n")

    def bot(self, message: Message) -> None:
        """A message of the bot's: its text or its document, and its buttons as they stand."""
        if message.file is not None:
            self._write(f"{_INDENT}📎 {message.file.name} ({message.file.size // 1024 + 1} kB)\n")
            return
        for line in message.text.split("\n"):
            self._write("\n".join(textwrap.wrap(line, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)) or "")
        for row in message.buttons:
            self._write(_INDENT + " ".join(f"[{button.label}]" for button in row))
        self._write("")

    def mail(self, to: str, subject: str, text: str) -> None:
        """A mail that arrived."""
        self._write(f"{_INDENT}✉ {to} · {subject}")
        for line in text.strip().splitlines():
            for part in textwrap.wrap(line, WIDTH - 4) or [""]:
                self._write(f"{_INDENT}│ {part}")
        self._write("")
