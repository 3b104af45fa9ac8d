"""Turns JSON bodies into models, within bounds of time and memory."""

import re
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from portal.errors import PortalBroken

MOST_VALUES = 200_000
"""The most values in one body. As Python objects they take up to 50 MB; a page of a hundred orders has about 20,000."""
_MOST_ERRORS = 50
_REPLACEMENT = rb"\ufffd"
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
    rb"|(?:[^\\]|\\[^u]|\\u(?![dD][89a-fA-F]))+",  # all else, in one piece
    re.DOTALL,
)

ModelT = TypeVar("ModelT", bound=BaseModel)


def parsed(model: type[ModelT], body: bytes) -> ModelT:
    """A JSON body as data. Bytes that are no UTF-8, and halves of surrogate pairs, are read as U+FFFD.

    Raises:
        PortalBroken: it is not the model's; the message names the fields and repeats no value.
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


def refuse_crowded(name: str, body: bytes) -> None:
    """Raises ``PortalBroken`` for a body with so many values that their objects would fill the memory."""
    if len(body) > MOST_VALUES and sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise PortalBroken(f"{name}: more than {MOST_VALUES} values")


def readable(body: bytes) -> str:
    """A body as text that any JSON parser takes: without a byte order mark, with U+FFFD for what is no character."""
    if b"\\ud" in body or b"\\uD" in body:
        body = _ESCAPES.sub(lambda found: _REPLACEMENT if found.group(1) else found.group(), body)
    return body.decode("utf-8", "replace").removeprefix("\ufeff")


def broken(model: type[BaseModel], error: ValidationError) -> PortalBroken:
    """What to raise for data that is not the model's."""
    return PortalBroken(f"{model.__name__}: not what the contract says at {fields_of(error)}")


def fields_of(error: ValidationError) -> str:
    """The names of the wrong fields, never their values."""
    if error.error_count() > _MOST_ERRORS:
        return f"{error.error_count()} places"
    errors = error.errors(include_input=False, include_url=False, include_context=False)
    return ", ".join(sorted({".".join(map(str, each["loc"])) for each in errors}))[:200]


def _is_no_json(error: ValidationError) -> bool:
    return error.error_count() == 1 and error.errors(include_input=False)[0]["type"] == "json_invalid"
