"""Prints a conversation to a terminal."""

import textwrap
from collections.abc import Callable

from sandbox.telegram.model.chats import Message

WIDTH = 64
_INDENT = " " * 4


class Transcript:
    """Prints the messages of people and of the bot."""

    def __init__(self, write: Callable[[str], object] = print) -> None:
        self._write = write

    def scene(self, title: str) -> None:
        """Print a heading."""
        self._write(f"\n━━ {title} {'━' * max(2, WIDTH - len(title))}\n")

    def happening(self, what: str) -> None:
        """Print an event outside of the chat."""
        self._write(f"· {what}\n")

    def person(self, name: str, says: str) -> None:
        """Print a text that a person sends."""
        self._write(f"{name} ▸ {says}\n")

    def tap(self, name: str, label: str) -> None:
        """Print a person's tap."""
        self._write(f"{name} ☞ [{label}]\n")

    def bot(self, message: Message) -> None:
        """Print a message of the bot: its text or document, and its keyboard."""
        if message.file is not None:
            self._write(f"{_INDENT}📎 {message.file.name} ({message.file.size // 1024 + 1} kB)")
            if not message.text:
                self._write("")
                return
        for line in message.text.split("\n"):
            self._write("\n".join(textwrap.wrap(line, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)) or "")
        for row in message.buttons:
            self._write(_INDENT + " ".join(f"[{button.label}]" for button in row))
        self._write("")

    def mail(self, to: str, subject: str, text: str) -> None:
        """Print a received mail."""
        self._write(f"{_INDENT}✉ {to} · {subject}")
        for line in text.strip().splitlines():
            for part in textwrap.wrap(line, WIDTH - 4) or [""]:
                self._write(f"{_INDENT}│ {part}")
        self._write("")
