"""Checkers for numbers, texts and booleans: as JSON values, and as a request's parameters, which may be text."""

import json
import re
from collections.abc import Callable
from typing import Any

Lint = list[str]
Checker = Callable[[Any, Lint, str], Any]  # value, lint to add to, where it stands -> checked value

WHOLE = re.compile(r"[+-]?\d{1,20}")


class FieldError(ValueError):
    """What is wrong with a value, in Telegram's words; `final` once no outer type may add a prefix."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


def scalar_text(value: object) -> str:
    """A value as text, JSON where it is composite."""
    return value if isinstance(value, str) else json.dumps(value)


def string(value: Any, _lint: Lint, where: str) -> str:
    """Telegram takes a JSON number for a string."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise FieldError(f'Field "{where}" must be of type String')


def integer(value: Any, _lint: Lint, where: str) -> int:
    """Telegram takes a string of digits for a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and WHOLE.fullmatch(value):
        return int(value)
    raise FieldError(f'Field "{where}" must be a Number')


def integer_or_string(value: Any, lint: Lint, where: str) -> int | str:
    """A chat identifier or a @username."""
    text = string(value, lint, where)
    return int(text) if WHOLE.fullmatch(text) else text


def number(value: Any, _lint: Lint, where: str) -> float:
    """A JSON number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise FieldError(f'Field "{where}" must be of type Number')


def boolean(value: Any, _lint: Lint, where: str) -> bool:
    """A JSON boolean."""
    if isinstance(value, bool):
        return value
    raise FieldError(f'Field "{where}" must be of type Boolean')


SCALARS: dict[str, Checker] = {
    "String": string,
    "Integer": integer,
    "Float": number,
    "Boolean": boolean,
    "True": boolean,
}


def request_string(value: Any, _lint: Lint, _where: str) -> str:
    """A parameter's text; JSON where the client sent an object for a string, as Telegram sees it."""
    return scalar_text(value)


def request_integer(value: Any, lint: Lint, where: str) -> int:
    """Telegram reads 0 from what is no number; here that is refused, since it is always a mistake."""
    try:
        return integer(value, lint, where)
    except FieldError:
        raise FieldError(f'Parameter "{where}" must be an Integer') from None


def request_boolean(value: Any, _lint: Lint, where: str) -> bool:
    """True is true, yes or 1; Telegram reads False from anything else, here that is refused."""
    text = scalar_text(value).lower()
    if text in ("true", "yes", "1"):
        return True
    if text in ("false", "no", "0"):
        return False
    raise FieldError(f'Parameter "{where}" must be a Boolean')


def request_number(value: Any, _lint: Lint, where: str) -> float:
    """A number as text."""
    try:
        return float(scalar_text(value))
    except ValueError:
        raise FieldError(f'Parameter "{where}" must be a Number') from None


REQUEST_SCALARS: dict[str, Checker] = {
    "String": request_string,
    "Integer": request_integer,
    "Float": request_number,
    "Boolean": request_boolean,
    "True": request_boolean,
    "Integer or String": integer_or_string,
}
