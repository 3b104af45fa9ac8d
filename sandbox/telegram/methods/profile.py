"""Methods on a bot's profile: commands by scope and language, descriptions, name, menu button."""

import re
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.methods.call import Call, method
from sandbox.telegram.model.bots import Bot

MOST_COMMANDS = 100
COMMAND_LENGTH = 32
DESCRIPTION_LENGTH = 256
LANGUAGE = re.compile(r"[a-z]{2}")
COMMAND = re.compile(r"[a-z0-9_]+")
CHAT_SCOPES = {"chat", "chat_administrators", "chat_member"}


def _language(call: Call) -> str:
    code: str = call.get("language_code", "")
    if code and not LANGUAGE.fullmatch(code):
        raise bad_request("Invalid language code specified")
    return code


def _scope(call: Call) -> str:
    """Return the scope as one string, with the ids of its chat and user."""
    scope = call.get("scope") or {"type": "default"}
    kind: str = scope["type"]
    if kind not in CHAT_SCOPES:
        return kind
    chat = call.find_chat(scope["chat_id"])
    if kind != "chat" and chat.kind == "private":
        raise bad_request("there are no administrators in the private chat")
    return " ".join([kind, str(chat.chat_id), *([str(scope["user_id"])] if "user_id" in scope else [])])


def _command(given: dict[str, Any]) -> dict[str, Any]:
    command = given["command"].strip().removeprefix("/")
    description = given["description"].strip()
    if not command:
        raise bad_request("Command must be non-empty")
    if len(command) > COMMAND_LENGTH:
        raise bad_request(f"Command length must not exceed {COMMAND_LENGTH}")
    if not description:
        raise bad_request("Command description must be non-empty")
    if len(description) > DESCRIPTION_LENGTH:
        raise bad_request(f"Command description length must not exceed {DESCRIPTION_LENGTH}")
    if not COMMAND.fullmatch(command):
        raise bad_request("BOT_COMMAND_INVALID")
    return {**given, "command": command, "description": description}


def _announce(call: Call, what: str, value: object) -> None:
    call.world.publish("commands", lambda: {"what": what, "value": value}, bot=call.bot.username)


@method("setMyCommands")
async def set_my_commands(call: Call) -> object:
    """Set the commands of a scope and language. An empty list deletes them."""
    scope, language = _scope(call), _language(call)
    commands = [_command(each) for each in call.values["commands"]]
    if len(commands) > MOST_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    call.bot.profile.commands.pop((scope, language), None)
    if commands:
        call.bot.profile.commands[scope, language] = commands
    _announce(call, f"commands {scope} {language}".strip(), commands)
    return True


@method("getMyCommands")
async def get_my_commands(call: Call) -> object:
    """Return the commands of exactly this scope and language."""
    return call.bot.profile.commands.get((_scope(call), _language(call)), [])


@method("deleteMyCommands")
async def delete_my_commands(call: Call) -> object:
    """Delete the commands of exactly this scope and language."""
    scope, language = _scope(call), _language(call)
    call.bot.profile.commands.pop((scope, language), None)
    _announce(call, f"commands {scope} {language}".strip(), [])
    return True


def _set(call: Call, texts: dict[str, str], parameter: str) -> bool:
    language = _language(call)
    text: str = call.get(parameter, "").strip()
    texts.pop(language, None)
    if text:
        texts[language] = text
    _announce(call, f"{parameter} {language}".strip(), text)
    return True


def _get(call: Call, texts: dict[str, str], parameter: str, default: str = "") -> dict[str, str]:
    return {parameter: texts.get(_language(call)) or texts.get("") or default}


@method("setMyDescription")
async def set_my_description(call: Call) -> object:
    """Set the text that an empty chat shows, at most 512 characters."""
    return _set(call, call.bot.profile.descriptions, "description")


@method("getMyDescription")
async def get_my_description(call: Call) -> object:
    """Return the description in a language, or the default one."""
    return _get(call, call.bot.profile.descriptions, "description")


@method("setMyShortDescription")
async def set_my_short_description(call: Call) -> object:
    """Set the text that the profile shows, at most 120 characters."""
    return _set(call, call.bot.profile.short_descriptions, "short_description")


@method("getMyShortDescription")
async def get_my_short_description(call: Call) -> object:
    """Return the short description in a language, or the default one."""
    return _get(call, call.bot.profile.short_descriptions, "short_description")


@method("setMyName")
async def set_my_name(call: Call) -> object:
    """Set the bot's name in a language. Without a language, set the default name."""
    if not call.get("name") and not _language(call):
        raise bad_request("BOT_TITLE_INVALID")
    _set(call, call.bot.profile.names, "name")
    if not _language(call):
        call.bot.first_name = call.bot.profile.names[""]
    return True


@method("getMyName")
async def get_my_name(call: Call) -> object:
    """Return the name in a language, or the default one."""
    return _get(call, call.bot.profile.names, "name", call.bot.first_name)


def _menu_chat(call: Call) -> int:
    if "chat_id" not in call.values:
        return 0
    chat = call.find_chat(call.values["chat_id"])
    if chat.kind != "private":
        raise bad_request("chat not found")
    return chat.chat_id


@method("setChatMenuButton")
async def set_chat_menu_button(call: Call) -> object:
    """Set the menu button of a chat, or the default one."""
    chat_id = _menu_chat(call)
    button = call.get("menu_button") or {"type": "default"}
    call.bot.profile.menu_buttons.pop(chat_id, None)
    if button["type"] != "default":
        call.bot.profile.menu_buttons[chat_id] = button
    _announce(call, "menu_button", button)
    return True


@method("getChatMenuButton")
async def get_chat_menu_button(call: Call) -> object:
    """Return the menu button of a chat, or the default one."""
    buttons = call.bot.profile.menu_buttons
    return buttons.get(_menu_chat(call)) or buttons.get(0) or {"type": _default_button(call.bot)}


def _default_button(bot: Bot) -> str:
    return "commands" if any(scope == "default" for scope, _ in bot.profile.commands) else "default"
