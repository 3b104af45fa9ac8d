"""Checkers of the Bot API's types: scalars, arrays, objects, unions, compiled on first use."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.telegram.spec.scalars import REQUEST_SCALARS, SCALARS, Checker, FieldError, Lint, integer_or_string, string

# Telegram's prefix for an error inside an object of the type. An empty text adds no prefix.
ERROR_PREFIX = {
    "InlineKeyboardButton": "Can't parse inline keyboard button: ",
    "KeyboardButton": "Can't parse keyboard button: ",
    "InlineKeyboardMarkup": "",
    "ReplyKeyboardMarkup": "",
    "ReplyParameters": "",
    "LinkPreviewOptions": "",
    "MenuButton": "Can't parse menu button: ",
}
# Telegram's name of a parameter with unparsable JSON, and of one that is not the expected object.
JSON_NAMES = {
    "reply_markup": ("reply keyboard markup", "Object expected as reply markup"),
    "reply_parameters": ("reply parameters", "Object expected as reply parameters"),
    "link_preview_options": ("link preview options", "Object expected as link preview options"),
    "scope": ("BotCommandScope", "Can't parse BotCommandScope: BotCommandScope must be an Object"),
    "menu_button": ("menu button", "Can't parse menu button: MenuButton must be an Object"),
    "commands": ("commands", "Expected an Array of BotCommand"),
    "message_ids": ("message_ids", "Expected an Array of message identifiers"),
}
NOT_AN_OBJECT = {"BotCommand": "expected an Object", "MessageEntity": "expected an Object"}
TOO_LONG = {"callback_data": "BUTTON_DATA_INVALID"}
# The `type` of members whose name does not give it. https://core.telegram.org/bots/api#inputrichblock
TAGS = {
    "InputRichBlockSectionHeading": "heading",
    "InputRichBlockPreformatted": "pre",
    "InputRichBlockBlockQuotation": "blockquote",
    "InputRichBlockExpandableBlockQuotation": "expandable_blockquote",
    "InputRichBlockPullQuotation": "pullquote",
}
# The length of a BotCommand counts after trimming, of quotes after parsing.
MEASURED_ELSEWHERE = {"BotCommand", "ReplyParameters"}


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A parameter or field: how a JSON value and a request's value (perhaps text) are checked."""

    type_name: str
    required: bool
    check: Checker
    from_request: Checker
    most: int | None
    unit: str

    def measure(self, value: object) -> int:
        """Return a value's length in the field's unit: bytes or characters (code points)."""
        text = str(value)
        return len(text.encode()) if self.unit == "bytes" else len(text)


def compiler(types: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], FieldSpec]:
    """Return a function that turns a field's description in the data file into a FieldSpec."""
    named: dict[str, Checker] = {}

    def named_checker(name: str) -> Checker:
        if name not in named:
            named[name] = lambda value, lint, where: named[name](value, lint, where)  # types refer to themselves
            description = types.get(name)
            if description is None:
                named[name] = lambda value, _lint, _where: value
            elif "one_of" in description:
                named[name] = union(name, [str(each) for each in description["one_of"]], types, checker)
            else:
                fields = {key: compile_field(value) for key, value in description["fields"].items()}
                named[name] = structure(name, fields)
        return named[name]

    def checker(type_name: str) -> Checker:
        if type_name.startswith("Array of "):
            return array(checker(type_name.removeprefix("Array of ")), type_name)
        if type_name in SCALARS:
            return SCALARS[type_name]
        if type_name == "InputFile":
            return string
        if type_name == "Integer or String":
            return integer_or_string
        parts = re.split(r", | and | or ", type_name)
        return union(type_name, parts, types, checker) if len(parts) > 1 else lazily(type_name)

    def lazily(name: str) -> Checker:
        return lambda value, lint, where: named_checker(name)(value, lint, where)

    def compile_field(description: Mapping[str, Any]) -> FieldSpec:
        type_name = description["type"]
        if type_name == "InputFile or String":
            type_name = "String"
        check = checker(type_name)
        request = REQUEST_SCALARS.get(type_name) or from_json(check, type_name)
        return FieldSpec(
            type_name, description["required"], check, request, description.get("max"), description.get("unit", "")
        )

    return compile_field


def structure(name: str, fields: Mapping[str, FieldSpec]) -> Checker:
    """Return a checker of an object with these fields."""
    prefix = ERROR_PREFIX.get(name, f"Can't parse {name}: ")
    required = [key for key, spec in fields.items() if spec.required]
    measured = name not in MEASURED_ELSEWHERE

    def check(value: Any, lint: Lint, where: str) -> dict[str, Any]:
        try:
            if not isinstance(value, dict):
                raise FieldError(NOT_AN_OBJECT.get(name, f"{name} must be an Object"))
            result: dict[str, Any] = {}
            for key, item in value.items():
                spec = fields.get(key)
                if spec is None:
                    lint.append(f"{where}.{key}: unknown field of {name}")
                elif item is not None:
                    result[key] = checked = spec.check(item, lint, key)
                    if measured and spec.most is not None and spec.measure(checked) > spec.most:
                        raise FieldError(TOO_LONG.get(key, f'Field "{key}" is too long'), final=key in TOO_LONG)
            for key in required:
                if key not in result:
                    raise FieldError(f'Can\'t find field "{key}"')
        except FieldError as error:
            if error.final:
                raise
            raise FieldError(prefix + str(error), final=bool(prefix)) from None
        return result

    return check


def array(item: Checker, type_name: str) -> Checker:
    """Return a checker of an array."""
    nested = type_name.count("Array of ") > 1

    def check(value: Any, lint: Lint, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise FieldError(_not_an_array(where, type_name, nested=nested))
        return [item(each, lint, where) for each in value]

    return check


def _not_an_array(where: str, type_name: str, *, nested: bool) -> str:
    if where in ("inline_keyboard", "keyboard"):
        # Telegram checks the type of the outer array only, not of the rows.
        owner = " of the InlineKeyboardMarkup" if where == "inline_keyboard" else ""
        return (
            f'Field "{where}" must be of type Array' if nested else f'Field "{where}"{owner} must be an Array of Arrays'
        )
    return JSON_NAMES.get(where, ("", f"Expected an {type_name}"))[1]


def union(name: str, members: list[str], types: Mapping[str, Any], checker: Callable[[str], Checker]) -> Checker:
    """Return a checker of a union: by the value's `type`, else by its fields.

    A RichText may also be a string, or an array of RichTexts.
    """
    checkers = {member: checker(member) for member in members}
    objects = {member: set(types[member]["fields"]) for member in members if "fields" in types.get(member, {})}
    tags = {_tag(member, name): member for member in objects}

    def check(value: Any, lint: Lint, where: str) -> Any:
        if name == "RichText" and isinstance(value, str):
            return value
        if name == "RichText" and isinstance(value, list):
            return [check(each, lint, where) for each in value]
        if not isinstance(value, dict):
            scalars = [member for member in members if member not in objects]
            if not scalars:
                raise FieldError(JSON_NAMES.get(where, ("", f"{name} must be an Object"))[1])
            return checkers[scalars[0]](value, lint, where)
        if not objects:
            return checkers[members[0]](value, lint, where)
        tag = value.get("type")
        if name == "InlineQueryResult" and any(key.endswith("_file_id") for key in value):
            tag = f"cached_{tag}"  # of one type there are two: by file_id and by URL
        if tag in tags:
            return checkers[tags[tag]](value, lint, where)
        if name in ("BotCommandScope", "MenuButton", "RichText", "InputRichBlock"):
            raise FieldError(_unsupported(name, tag), final=True)
        best = max(objects, key=lambda member: len(objects[member] & value.keys()))
        return checkers[best](value, lint, where)

    return check


def _unsupported(name: str, tag: object) -> str:
    if tag is None:
        return ERROR_PREFIX.get(name, f"Can't parse {name}: ") + 'Can\'t find field "type"'
    if name == "RichText":
        return "Unsupported rich text type"
    if name == "InputRichBlock":
        return f'Can\'t parse InputRichBlock: type "{tag}" is unsupported'
    if name == "MenuButton":
        return "Can't parse menu button: MenuButton has unsupported type"
    return f"Can't parse {name}: Unsupported type specified"


def _tag(member: str, family: str) -> str:
    """Return the `type` of a union's member: BotCommandScopeAllGroupChats of BotCommandScope is all_group_chats."""
    if member in TAGS:
        return TAGS[member]
    family = "InputMedia" if family.startswith("InputMedia") else family
    return re.sub(r"(?<!^)(?=[A-Z])", "_", member.removeprefix(family)).lower()


def from_json(check: Checker, type_name: str) -> Checker:
    """Return a checker of a composite parameter that may be JSON text."""

    def check_text(value: Any, lint: Lint, where: str) -> Any:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                what = JSON_NAMES.get(where, (type_name, ""))[0]
                raise FieldError(f"Can't parse {what} JSON object") from None
        return check(value, lint, where)

    return check_text
