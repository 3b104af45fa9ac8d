"""Encode an action as callback data of at most 64 bytes, and decode it.

The format is ``1`` (the version; ``2`` below a notice), the action's letter, then its fields in order, each followed by
``|``, such as ``1i3|2|1|||``. Numbers are in base 36. Last fields with default values are omitted. Buttons never
expire, so data of an older version must decode, or raise ``InvalidCallbackData``.
"""

import enum
from functools import cache
from types import NoneType, UnionType
from typing import get_args, get_type_hints

from msgspec import NODEFAULT
from msgspec.structs import fields

from handlers import actions
from handlers.actions import Action, letter_of

VERSION = "1"
NOTICE_VERSION = "2"
"""The version of a notice's buttons. They mean the same, but their answers never replace the notice."""
LIMIT_BYTES = 64
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LARGEST = 2**63


class InvalidCallbackData(ValueError):
    """Callback data that ``encode`` does not produce: from an older version, or forged."""


def encode(action: Action, *, of_notice: bool = False) -> str | None:
    """Return the callback data of an action; None if it needs more than 64 bytes.

    Where it would be too long, the button carries ``Action.shortened``: a list with a shorter search text, or an order
    or invoice without the list that it was opened from.

    Args:
        of_notice: the button is below a notice.

    Raises:
        TypeError: the action has no letter.
    """
    letter = letter_of(type(action))
    if not letter:
        raise TypeError(f"{type(action).__name__} has no letter")
    needed: list[object] = []
    omitted: list[object] = []
    for name, default in _defaults(letter):
        omitted.append(value := getattr(action, name))
        if default is NODEFAULT or value != default:
            needed += omitted
            omitted.clear()
    version = NOTICE_VERSION if of_notice else VERSION
    data = version + letter + "".join([f"{_encode_value(value)}|" for value in needed])
    excess = len(data.encode("utf-8", "replace")) - LIMIT_BYTES
    if excess <= 0:
        return data
    shorter = action.shortened(excess)
    return encode(shorter, of_notice=of_notice) if shorter is not None else None


def decode(data: str) -> Action:
    """Return the action of callback data.

    Raises:
        InvalidCallbackData: the data is of another version, or ``encode`` did not produce it.
    """
    kind = _actions_by_letter().get(data[1:2])
    if data[:1] not in (VERSION, NOTICE_VERSION) or kind is None or (len(data) > 2 and not data.endswith("|")):
        raise InvalidCallbackData(data[:2])
    texts = _split(data[2:])
    types = _field_types(letter_of(kind))
    if len(texts) > len(types):
        raise InvalidCallbackData(data[:2])
    values = {name: _decode_value(text, of) for text, (name, of) in zip(texts, types.items(), strict=False)}
    try:
        return kind(**values)
    except TypeError:
        raise InvalidCallbackData(data[:2]) from None


@cache
def _actions_by_letter() -> dict[str, type[Action]]:
    kinds = [kind for kind in vars(actions).values() if isinstance(kind, type) and issubclass(kind, Action)]
    with_letter = [kind for kind in kinds if letter_of(kind)]
    by_letter = {letter_of(kind): kind for kind in with_letter}
    if len(by_letter) != len(with_letter):
        raise TypeError("two actions share a letter")
    return by_letter


@cache
def _defaults(letter: str) -> tuple[tuple[str, object], ...]:
    """Return the name and default of each field, in order; ``NODEFAULT`` means no default."""
    kind = _actions_by_letter()[letter]
    return tuple((field.name, field.default) for field in fields(kind))


@cache
def _field_types(letter: str) -> dict[str, type]:
    kind = _actions_by_letter()[letter]
    hints = get_type_hints(kind)
    return {field.name: _plain_type(hints[field.name]) for field in fields(kind)}


def _plain_type(hint: object) -> type:
    if isinstance(hint, UnionType):
        hint = next(choice for choice in get_args(hint) if choice is not NoneType)
    assert isinstance(hint, type)
    return hint


def _encode_value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, int):
        return _base36(value)
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace("|", "\\p")
    raise TypeError(f"callback data cannot contain a {type(value).__name__}")


def _decode_value(text: str, of: type) -> object:
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
        raise InvalidCallbackData(of.__name__) from None


def _split(encoded: str) -> list[str]:
    """Return the fields of ``a|b|``; in a field, ``\\p`` is a bar and ``\\\\`` a backslash."""
    return [_unescape(text) for text in encoded[:-1].split("|")] if encoded else []


def _unescape(text: str) -> str:
    parts = text.split("\\\\")
    if any("\\" in part.replace("\\p", "") for part in parts):
        raise InvalidCallbackData("escape")
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
