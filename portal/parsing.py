"""Parses JSON bodies into models, or Python's own types, within limits of time and memory. Public."""

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from portal.errors import PortalBroken

MOST_VALUES = 200_000
"""The most values in one body: up to 50 MB as Python objects. A page of a hundred orders has about 20,000."""
_MOST_ERRORS = 50
_REPLACEMENT = rb"\ufffd"
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a surrogate pair
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # a lone surrogate
    rb"|(?:[^\\]|\\[^u]|\\u(?![dD][89a-fA-F]))+",  # anything else
    re.DOTALL,
)

ModelT = TypeVar("ModelT", bound=BaseModel)


def parsed(model: type[ModelT], body: bytes) -> ModelT:
    """Parse a JSON body. Invalid UTF-8 and lone surrogates become U+FFFD.

    Raises:
        PortalBroken: the body does not fit the model. The message names the fields, without values.
    """
    refuse_crowded(model.__name__, body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        if not _is_no_json(error):
            raise broken(model, error) from None
    try:
        return model.model_validate_json(readable(body))
    except ValidationError as error:
        raise broken(model, error) from None


def parsed_json(name: str, body: bytes, object_hook: Callable[[dict[str, Any]], object] | None = None) -> Any:
    """Parse a JSON body into Python's own types. Invalid UTF-8 and lone surrogates become U+FFFD.

    Args:
        name: The call's name in the message.
        body: The whole body.
        object_hook: Replaces each object, as in ``json.loads``.

    Raises:
        PortalBroken: the body is no JSON, is too deep or too large, or the hook cannot read an object.
    """
    refuse_crowded(name, body)
    try:
        return json.loads(readable(body), object_hook=object_hook, parse_constant=_no_number)
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
        raise PortalBroken(f"{name}: not the JSON that was expected") from None


def refuse_crowded(name: str, body: bytes) -> None:
    """Raise ``PortalBroken`` for a body with more than ``MOST_VALUES`` values, whose objects would fill the memory."""
    if len(body) > MOST_VALUES and sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise PortalBroken(f"{name}: more than {MOST_VALUES} values")


def readable(body: bytes) -> str:
    """Decode a body for a JSON parser: without a byte order mark, with U+FFFD for invalid UTF-8 and lone surrogates."""
    if b"\\ud" in body or b"\\uD" in body:
        body = _ESCAPES.sub(lambda found: _REPLACEMENT if found.group(1) else found.group(), body)
    return body.decode("utf-8", "replace").removeprefix("\ufeff")


def broken(model: type[BaseModel], error: ValidationError) -> PortalBroken:
    """Return the exception for data that does not fit a model."""
    return PortalBroken(f"{model.__name__}: not what the contract says at {fields_of(error)}")


def fields_of(error: ValidationError) -> str:
    """Return the names of the invalid fields, without their values, in 200 characters at most."""
    if error.error_count() > _MOST_ERRORS:
        return f"{error.error_count()} places"
    errors = error.errors(include_input=False, include_url=False, include_context=False)
    return ", ".join(sorted({".".join(map(str, each["loc"])) for each in errors}))[:200]


def _is_no_json(error: ValidationError) -> bool:
    return error.error_count() == 1 and error.errors(include_input=False)[0]["type"] == "json_invalid"


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no JSON")
