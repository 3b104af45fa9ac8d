"""Reads files of settings as systemd's ``EnvironmentFile=`` does, so that a command can use those of the unit.

The rules are those of systemd.exec(5), https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html:
values need no quotes (``Odobot <bot@example.com>``), ``#`` and ``;`` begin a comment only at the start of a line, and
nothing is expanded. What systemd leaves out is left out: a line without ``=``, or with a name that no variable has.
"""

import re
from collections.abc import Iterable
from pathlib import Path

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BLANK = " \t\r"
_ESCAPED_IN_DOUBLE_QUOTES = '"\\`$'


class EnvFileError(Exception):
    """A file of settings cannot be read; the message says which, and why."""


def read_env_files(paths: Iterable[Path]) -> dict[str, str]:
    """Return the variables of all files; a later file overrides an earlier one. Raises: EnvFileError."""
    values: dict[str, str] = {}
    for path in paths:
        try:
            values |= parse_env_file(path.read_text("utf-8-sig"))
        except UnicodeDecodeError:
            raise EnvFileError(f"{path} cannot be read: it is not UTF-8") from None
        except (OSError, ValueError) as error:
            raise EnvFileError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return values


def parse_env_file(text: str) -> dict[str, str]:
    """Return the variables of a file's text, without those whose line systemd ignores."""
    values: dict[str, str] = {}
    at = 0
    while at < len(text):
        if text[at] in _BLANK + "\n":
            at += 1
        elif text[at] in "#;":
            at = _end_of_line(text, at)
        else:
            name, equals, _ = text[at : _end_of_line(text, at)].partition("=")
            at += len(name) + len(equals)
            if equals:
                value, at = _value(text, at)
                if _NAME.fullmatch(name.rstrip(_BLANK)):
                    values[name.rstrip(_BLANK)] = value
    return values


def _end_of_line(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _value(text: str, at: int) -> tuple[str, int]:
    """Read a value. Returns: the value, and where the next line begins."""
    while at < len(text) and text[at] in _BLANK:
        at += 1
    value = ""
    # A value may have several quoted parts; after one that is not quoted, quotes are characters.
    while at < len(text) and text[at] in "'\"":
        part, at = _quoted(text, at + 1, text[at])
        value += part
        while at < len(text) and text[at] in _BLANK:
            at += 1
    plain, at = _plain(text, at)
    return value + plain, at


def _quoted(text: str, at: int, quote: str) -> tuple[str, int]:
    """Read a quoted part from behind its first quote. Returns: the part, and the place behind its last quote."""
    part = ""
    while at < len(text) and text[at] != quote:
        if quote == '"' and text[at] == "\\" and at + 1 < len(text):
            after = text[at + 1]
            part += "" if after == "\n" else after if after in _ESCAPED_IN_DOUBLE_QUOTES else f"\\{after}"
            at += 2
            continue
        part += text[at]
        at += 1
    return part, at + 1


def _plain(text: str, at: int) -> tuple[str, int]:
    """Read an unquoted part up to the end of its line. Returns: the part without spaces at its end, and that place."""
    part, kept = "", 0  # `kept`: how long the part is at least, because a backslash keeps what follows it
    while at < len(text) and text[at] != "\n":
        if text[at] == "\\":
            after = text[at + 1 : at + 2]
            if after != "\n":
                part += after
                kept = len(part)
            at += 2
            continue
        part += text[at]
        at += 1
    return part[:kept] + part[kept:].rstrip(_BLANK), at
