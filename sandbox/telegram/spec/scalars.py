"""Checkers of numbers, strings and booleans: as JSON values, and as request parameters, which may be text."""

import json
import re
from collections.abc import Callable
from typing import Any

Lint = list[str]
Checker = Callable[[Any, Lint, str], Any]  # (value, lint to add to, path) -> checked value

WHOLE = re.compile(r"[+-]?\d{1,20}")


class FieldError(ValueError):
    """The error of a value, in Telegram's words. With `final`, no outer type adds a prefix."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


def scalar_text(value: object) -> str:
    """Return a value as text; a composite value as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def string(value: Any, _lint: Lint, where: str) -> str:
    """Check a string. Telegram also accepts a JSON number."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise FieldError(f'Field "{where}" must be of type String')


def integer(value: Any, _lint: Lint, where: str) -> int:
    """Check an integer. Telegram also accepts a string of digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and WHOLE.fullmatch(value):
        return int(value)
    raise FieldError(f'Field "{where}" must be a Number')


def integer_or_string(value: Any, lint: Lint, where: str) -> int | str:
    """Check a chat id or a @username."""
    text = string(value, lint, where)
    return int(text) if WHOLE.fullmatch(text) else text


def number(value: Any, _lint: Lint, where: str) -> float:
    """Check a JSON number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise FieldError(f'Field "{where}" must be of type Number')


def boolean(value: Any, _lint: Lint, where: str) -> bool:
    """Check a JSON boolean."""
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
    """Return a parameter's text. An object sent for a string becomes JSON, as in Telegram."""
    return scalar_text(value)


def request_integer(value: Any, lint: Lint, where: str) -> int:
    """Check an integer parameter. Telegram reads other text as 0; the sandbox refuses it, since it is a mistake."""
    try:
        return integer(value, lint, where)
    except FieldError:
        raise FieldError(f'Parameter "{where}" must be an Integer') from None


def request_boolean(value: Any, _lint: Lint, where: str) -> bool:
    """Check a boolean parameter: true, yes or 1. The sandbox refuses other text, which Telegram reads as False."""
    text = scalar_text(value).lower()
    if text in ("true", "yes", "1"):
        return True
    if text in ("false", "no", "0"):
        return False
    raise FieldError(f'Parameter "{where}" must be a Boolean')


def request_number(value: Any, _lint: Lint, where: str) -> float:
    """Check a number sent as text."""
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
