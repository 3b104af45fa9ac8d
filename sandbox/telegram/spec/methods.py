"""The Bot API's methods and their parameters, compiled once from the data file into checkers.

A request's parameters are strings (query, form) or JSON values. A checked parameter is an int, bool, float or str; for
a composite type it is the list or dict that was sent, without unknown fields and nulls.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.telegram.errors import QUERY_TOO_OLD, bad_request
from sandbox.telegram.spec.scalars import FieldError, Lint, scalar_text
from sandbox.telegram.spec.types import FieldSpec, compiler

DATA = Path(__file__).with_name("telegram-bot-api-10.3.json")

# Telegram's error for a missing or empty required parameter, by method and parameter, or by parameter.
MISSING = {
    "deletemessage.chat_id": "Chat identifier is not specified",
    "chat_id": "chat_id is empty",
    "text": "Message text is empty",
    "document": "There is no document in the request",
    "photo": "There is no photo in the request",
    "message_id": "Message identifier is not specified",
    "message_ids": "Message identifiers are not specified",
    "callback_query_id": QUERY_TOO_OLD,
    "file_id": "file_id not specified",
    "user_id": "Invalid user_id specified",
    "action": "Wrong parameter action in request",
}
# Required in the data file, but Telegram accepts an empty value.
MAY_BE_EMPTY = {"setwebhook.url"}
# The method checks these lengths: after parsing or trimming, or with an error of its own.
MEASURED_BY_METHOD = {"text", "caption", "secret_token"}
TOO_LONG = {"answercallbackquery.text": "MESSAGE_TOO_LONG"}


@dataclass(slots=True)
class UploadedFile:
    """A file part of a multipart request."""

    name: str
    mime_type: str
    content: bytes = field(repr=False)


@dataclass(slots=True)
class Checked:
    """The checked parameters of a request. `files` are by part name."""

    values: dict[str, Any]
    files: Mapping[str, UploadedFile]
    lint: Lint


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """One method: its documented name and its parameters' checkers."""

    name: str
    parameters: dict[str, FieldSpec]
    required: tuple[str, ...]
    takes_file: frozenset[str]

    def check(self, raw: Mapping[str, object], files: Mapping[str, UploadedFile]) -> Checked:
        """Check all parameters. Unknown ones are only noted in `lint`.

        Raises:
            ApiError: 400, a parameter is missing or wrong.
        """
        lint: Lint = []
        values: dict[str, Any] = {}
        for name, value in raw.items():
            spec = self.parameters.get(name)
            if spec is None:
                lint.append(f"{name}: unknown parameter")
            elif value is not None and value != "":
                values[name] = self._checked(name, spec, value, lint)
        lint += [f"{name}: unknown file" for name in files if not self._expected(name, raw)]
        for name in self.required:
            if name not in values and not (name in self.takes_file and name in files):
                raise bad_request(self._missing(name))
        return Checked(values, files, lint)

    def _checked(self, name: str, spec: FieldSpec, value: object, lint: Lint) -> Any:
        try:
            checked = spec.from_request(value, lint, name)
        except FieldError as error:
            raise bad_request(str(error)) from None
        own = f"{self.name.lower()}.{name}"
        if spec.most is None or (name in MEASURED_BY_METHOD and own not in TOO_LONG):
            return checked
        if spec.measure(checked) > spec.most:
            raise bad_request(TOO_LONG.get(own, f"{name} is too long: at most {spec.most} {spec.unit}"))
        return checked

    def _missing(self, name: str) -> str:
        own = MISSING.get(f"{self.name.lower()}.{name}") or MISSING.get(name)
        return own or f'Parameter "{name}" is required'

    def _expected(self, name: str, raw: Mapping[str, object]) -> bool:
        reference = f"attach://{name}"
        return name in self.takes_file or any(
            isinstance(value, str | list | dict) and reference in scalar_text(value) for value in raw.values()
        )


class Spec:
    """All methods, by lower-case name."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        compile_field = compiler(data["types"])
        self.methods = {
            name.lower(): _method(name, parameters, compile_field) for name, parameters in data["methods"].items()
        }
        self.update_kinds = set(data["types"]["Update"]["fields"]) - {"update_id"}

    def find(self, name: str) -> MethodSpec | None:
        """Return a method by its name, in any case, or None."""
        return self.methods.get(name.lower())


def _method(name: str, parameters: Mapping[str, Any], compile_field: Any) -> MethodSpec:
    fields: dict[str, FieldSpec] = {key: compile_field(value) for key, value in parameters.items()}
    return MethodSpec(
        name,
        fields,
        tuple(
            key
            for key, value in parameters.items()
            if value["required"] and f"{name.lower()}.{key}" not in MAY_BE_EMPTY
        ),
        frozenset(key for key, value in parameters.items() if "InputFile" in value["type"]),
    )


@cache
def load_spec() -> Spec:
    """Load the data file of Bot API 10.3."""
    return Spec(json.loads(DATA.read_text("utf-8")))


def summary(files: Iterable[UploadedFile]) -> list[str]:
    """Describe uploaded files for the request log."""
    return [f"{file.name} ({len(file.content)} bytes)" for file in files]
