"""The callback codec: an action as at most 64 bytes, versioned, and back.

``1`` (the version), the action's letter, then its fields in order, each ended by ``|``: ``1i3|2|1|||``. Numbers are in
base 36. Fields that stand at their defaults at the end are left out. Buttons live forever, so what an old version wrote
must either be read or be answered as an old button.
"""

import enum
from dataclasses import MISSING, fields, replace
from functools import cache
from types import NoneType, UnionType
from typing import get_args, get_type_hints

from handlers import actions
from handlers.actions import Action

VERSION = "1"
LIMIT_BYTES = 64
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LARGEST = 2**63


class BadButton(ValueError):
    """Callback data that no button of this version carries: an old one, or a forged one."""


def encode(action: Action) -> str | None:
    """The callback data; ``None`` where it takes more than Telegram's 64 bytes, which its Bot API refuses.

    A search is cut until it fits: the beginning of what was looked for still finds it.
    """
    if not action.letter:
        raise TypeError(f"{type(action).__name__} does not travel in a button")
    written: list[str] = []
    kept = 0
    for position, (name, default) in enumerate(_defaults(action.letter), start=1):
        value = getattr(action, name)
        written.append(_write(value))
        if default is MISSING or value != default:
            kept = position
    data = VERSION + action.letter + "".join(f"{text}|" for text in written[:kept])
    excess = len(data.encode("utf-8", "replace")) - LIMIT_BYTES
    if excess <= 0:
        return data
    query = getattr(action, "query", "")
    return encode(replace(action, query=query[: -max(1, excess // 4)])) if query else None  # type: ignore[type-var]


def decode(data: str) -> Action:
    """The action that a button carries.

    Raises:
        BadButton: the data is of another version, or was made by nobody's button.
    """
    kind = _kinds().get(data[1:2])
    if data[:1] != VERSION or kind is None or (len(data) > 2 and not data.endswith("|")):
        raise BadButton(data[:2])
    texts = _split(data[2:])
    known = _field_types(kind.letter)
    if len(texts) > len(known):
        raise BadButton(data[:2])
    values = {name: _read(text, of) for text, (name, of) in zip(texts, known.items(), strict=False)}
    try:
        return kind(**values)
    except TypeError:
        raise BadButton(data[:2]) from None


@cache
def _kinds() -> dict[str, type[Action]]:
    found = [kind for kind in vars(actions).values() if isinstance(kind, type) and issubclass(kind, Action)]
    lettered = [kind for kind in found if kind.letter]
    kinds = {kind.letter: kind for kind in lettered}
    if len(kinds) != len(lettered):
        raise TypeError("two actions share a letter")
    return kinds


@cache
def _defaults(letter: str) -> tuple[tuple[str, object], ...]:
    """The fields in order; ``MISSING`` where there is no default."""
    return tuple((field.name, field.default) for field in fields(_kinds()[letter]))  # type: ignore[arg-type]


@cache
def _field_types(letter: str) -> dict[str, type]:
    kind = _kinds()[letter]
    hints = get_type_hints(kind)
    return {field.name: _plain_type(hints[field.name]) for field in fields(kind)}  # type: ignore[arg-type]


def _plain_type(hint: object) -> type:
    if isinstance(hint, UnionType):
        hint = next(choice for choice in get_args(hint) if choice is not NoneType)
    assert isinstance(hint, type)
    return hint


def _write(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else ""
        case int():
            return _base36(value)
        case enum.Enum():
            return str(value.value)
        case str():
            return value.replace("\\", "\\\\").replace("|", "\\p")
    raise TypeError(f"a button carries no {type(value).__name__}")


def _read(text: str, of: type) -> object:
    try:
        if of is bool:
            return {"": False, "1": True}[text]
        if of is int:
            number = int(text, 36)
            if abs(number) >= _LARGEST or _base36(number) != text:
                raise ValueError
            return number
        if issubclass(of, enum.Enum):
            return of(text) if text else None
        return text
    except (KeyError, ValueError):
        raise BadButton(of.__name__) from None


def _split(written: str) -> list[str]:
    """The fields of ``a|b|``; ``\\p`` is a bar and ``\\\\`` a backslash within one."""
    if not written:
        return []
    return [_unescaped(text) for text in written[:-1].split("|")]


def _unescaped(text: str) -> str:
    parts = text.split("\\\\")
    if any("\\" in part.replace("\\p", "") for part in parts):
        raise BadButton("escape")
    return "\\".join(part.replace("\\p", "|") for part in parts)


def _base36(number: int) -> str:
    if number < 0:
        return "-" + _base36(-number)
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if not number:
            return digits
