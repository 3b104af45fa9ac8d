"""The people's routes of the control API: bots, people, groups, chats, and what people do."""

import base64
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.telegram.control.lookup import Body, Handler, NotFound, chat_of, message_of, person_of, seconds
from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.model.chats import Chat, Message
from sandbox.telegram.model.groups import Group
from sandbox.telegram.persons.person import Person
from sandbox.telegram.world import TelegramWorld

SENDABLE = ("document", "photo", "voice", "sticker", "location", "contact", "album")


async def list_bots(world: TelegramWorld, _request: Request, _body: Body) -> object:
    """List the bots with their profiles."""
    return {"bots": [_bot(world, token) for token in world.bots]}


def _bot(world: TelegramWorld, token: str) -> dict[str, Any]:
    bot = world.bots[token]
    profile = bot.profile
    return {
        **bot.me(),
        "token": token,
        "webhook": bot.webhook.info(),
        "commands": [
            {"scope": scope, "language_code": language, "commands": commands}
            for (scope, language), commands in profile.commands.items()
        ],
        "names": profile.names,
        "descriptions": profile.descriptions,
        "short_descriptions": profile.short_descriptions,
        "menu_buttons": {str(chat_id): button for chat_id, button in profile.menu_buttons.items()},
    }


async def create_bot(world: TelegramWorld, _request: Request, body: Body) -> object:
    """Create a bot."""
    return _bot(world, world.create_bot(**body).token)


async def list_persons(world: TelegramWorld, _request: Request, _body: Body) -> object:
    """List all people."""
    return {"persons": [person.json() for person in world.persons.values()]}


async def create_person(world: TelegramWorld, _request: Request, body: Body) -> object:
    """Create a person."""
    return world.create_person(**body).json()


async def show_person(world: TelegramWorld, request: Request, _body: Body) -> object:
    """Return one person."""
    return person_of(world, request).json()


async def show_menu(world: TelegramWorld, request: Request, _body: Body) -> object:
    """Return the commands that the person's client offers."""
    return {"commands": person_of(world, request).menu(bot=request.query_params.get("bot"))}


def _place(world: TelegramWorld, body: Body) -> dict[str, Any]:
    """Take `bot` or `group` from a body, as keyword arguments of Person's methods."""
    group_id = body.pop("group", None)
    bot = body.pop("bot", None)
    return {"group": _group(world, group_id)} if group_id is not None else {"bot": bot}


def _group(world: TelegramWorld, group_id: object) -> Group:
    group = world.groups.get(int(str(group_id)))
    if group is None:
        raise NotFound(f"group {group_id}")
    return group


def _message(world: TelegramWorld, person: Person, body: Body) -> Message | None:
    """Return the message that `message_id` names, in `group` or in the private chat; None without `message_id`."""
    message_id = body.pop("message_id", None)
    group_id, bot = body.pop("group", None), body.pop("bot", None)
    if message_id is None:
        return None
    return message_of(chat_of(world, person.user_id if group_id is None else int(group_id), bot), message_id)


async def start(world: TelegramWorld, request: Request, body: Body) -> object:
    """Press Start."""
    return person_of(world, request).start(body.get("payload"), bot=body.get("bot")).json()


async def say(world: TelegramWorld, request: Request, body: Body) -> object:
    """Send a text."""
    person = person_of(world, request)
    text, place = str(body.get("text", "")), _place(world, body)
    reply_to, topic = body.get("reply_to"), body.get("topic")
    replied = None
    if reply_to is not None:
        chat: Chat = place["group"].chat if "group" in place else person.chat(place["bot"])
        replied = message_of(chat, reply_to)
    return person.say(text, reply_to=replied, **place, topic=None if topic is None else int(topic)).json()


async def open_topic(world: TelegramWorld, request: Request, body: Body) -> object:
    """Open a topic of a group or of a private chat, or close it with `"is_open": false`."""
    chat = chat_of(world, int(request.path_params["chat"]), body.get("bot"))
    chat.open_topic(int(body["topic"]), is_open=bool(body.get("is_open", True)))
    return {"topics": {str(topic): is_open for topic, is_open in chat.topics.items()}}


async def send(world: TelegramWorld, request: Request, body: Body) -> object:
    """Send something other than text. `content` is base64; the other fields are arguments of Person's method."""
    person, kind = person_of(world, request), body.pop("kind", None)
    if kind not in SENDABLE:
        raise SandboxMisuse(f"kind is one of {', '.join(SENDABLE)}")
    if "content" in body:
        body["content"] = base64.b64decode(body["content"])
    place = _place(world, body)
    sent = getattr(person, f"send_{kind}")(**body, **place)
    return {"messages": [message.json() for message in sent]} if isinstance(sent, list) else sent.json()


async def edit(world: TelegramWorld, request: Request, body: Body) -> object:
    """Edit a text of the person's own."""
    person = person_of(world, request)
    text, message = str(body.pop("text", "")), _message(world, person, body)
    if message is None:
        raise SandboxMisuse("say which message: message_id")
    return person.edit(message, text).json()


async def delete(world: TelegramWorld, request: Request, body: Body) -> object:
    """Delete a message."""
    person = person_of(world, request)
    message = _message(world, person, body)
    if message is None:
        raise SandboxMisuse("say which message: message_id")
    person.delete(message)
    return {"deleted": True}


async def tap(world: TelegramWorld, request: Request, body: Body) -> object:
    """Tap a button. `forge` sends any callback data instead. `wait` is how many seconds to wait for the answer."""
    person = person_of(world, request)
    bot, wait, forged = body.get("bot"), float(body.pop("wait", 0)), body.pop("forge", False)
    message = _message(world, person, body)
    if forged:
        target = message if message is not None else person.screen(bot=bot)
        made = person.forge_tap(target, str(body.get("data", "")))
    else:
        made = person.tap(message=message, bot=bot, **body)
    answer = None
    if wait:
        try:
            answer = await person.wait_for_answer(made, timeout=wait)
        except TimeoutError:
            answer = None
    return {
        "callback_query_id": made.query_id,
        "message_id": made.message.message_id,
        "data": made.data,
        "seq": made.seq,
        "answer": answer,
    }


async def type_inline(world: TelegramWorld, request: Request, body: Body) -> object:
    """Type `text` behind the bot's name. `wait` is how many seconds to wait; `choose` sends a result into `group`."""
    person, bot = person_of(world, request), body.get("bot")
    query = person.type_inline(str(body.get("text", "")), bot=bot)
    answer = await person.wait_for_results(query, timeout=float(body.get("wait", 5)))
    if "choose" not in body:
        return {"inline_query_id": query.query_id, "answer": answer}
    group = _group(world, body["group"]) if body.get("group") is not None else None
    return person.choose(query, int(body["choose"]), group=group, bot=bot).json()


async def block(world: TelegramWorld, request: Request, body: Body) -> object:
    """Block the bot."""
    person_of(world, request).block(bot=body.get("bot"))
    return person_of(world, request).json()


async def unblock(world: TelegramWorld, request: Request, body: Body) -> object:
    """Unblock the bot."""
    person_of(world, request).unblock(bot=body.get("bot"))
    return person_of(world, request).json()


async def deactivate(world: TelegramWorld, request: Request, _body: Body) -> object:
    """Delete the person's Telegram account."""
    person_of(world, request).deactivate()
    return person_of(world, request).json()


async def create_group(world: TelegramWorld, _request: Request, body: Body) -> object:
    """Create a group of people (user ids) and bots (tokens or usernames)."""
    members = [world.persons[int(each)] for each in body.pop("members", []) if int(each) in world.persons]
    bots = [world.bot(each) for each in body.pop("bots")] if "bots" in body else None
    return world.create_group(str(body.pop("title", "")), members, bots, **body).chat.json()


async def change_group(world: TelegramWorld, request: Request, body: Body) -> object:
    """Run `migrate`, `add_bot`, `remove_bot`, `promote` or `demote`, as the first member of the group."""
    group, action = _group(world, request.path_params["group"]), request.path_params["action"]
    if action == "migrate":
        return group.migrate().chat.json()
    bot, by = world.bot(body.get("bot")), group.members[0]
    match action:
        case "add_bot":
            group.add_bot(bot, by)
        case "remove_bot":
            group.remove_bot(bot, by)
        case "promote":
            group.promote(bot, by, manages_topics=bool(body.get("manages_topics", True)))
        case "demote":
            group.demote(bot, by)
        case _:
            raise NotFound(f"action {action}")
    return group.chat.json()


async def manage_topic(world: TelegramWorld, request: Request, body: Body) -> object:
    """Close, reopen or delete a topic of a forum, as one of its members."""
    group, topic = _group(world, request.path_params["group"]), int(request.path_params["topic"])
    person, what = world.persons[int(body["person"])], str(body.get("what", ""))
    if topic not in group.chat.topics or what not in ("close", "reopen", "delete"):
        raise NotFound(f"topic {topic}, or action {what}")
    person.manage_topic(group, topic, what)
    return {"topics": {str(each): is_open for each, is_open in group.chat.topics.items()}}


async def list_chats(world: TelegramWorld, _request: Request, _body: Body) -> object:
    """List all chats. Private chats name their bot."""
    private = [chat for bot in world.bots.values() for chat in bot.private.values()]
    groups = [group.chat for group in world.groups.values()]
    return {
        "chats": [
            {
                **chat.json(),
                "bot": chat.bot,
                "seq": chat.last_change,
                "messages": len(chat.messages),
            }
            for chat in (*private, *groups)
        ]
    }


async def transcript(world: TelegramWorld, request: Request, _body: Body) -> object:
    """Return a chat's messages and the changes after `since`. Wait up to `wait` seconds for a change."""
    chat = chat_of(world, int(request.path_params["chat"]), request.query_params.get("bot"))
    since = int(request.query_params.get("since", 0))
    if seconds(request):
        await chat.next_change(since, seconds(request))
    return chat.transcript(since)


async def download(world: TelegramWorld, request: Request, _body: Body) -> object:
    """Return the bytes of a message's file."""
    chat = chat_of(world, int(request.path_params["chat"]), request.query_params.get("bot"))
    file = message_of(chat, request.path_params["message"]).file
    if file is None:
        raise NotFound("file in that message")
    return Response(file.content, media_type=file.mime_type)


PEOPLE_ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/bots", list_bots),
    ("POST", "/bots", create_bot),
    ("GET", "/persons", list_persons),
    ("POST", "/persons", create_person),
    ("GET", "/persons/{person:int}", show_person),
    ("GET", "/persons/{person:int}/menu", show_menu),
    ("POST", "/persons/{person:int}/start", start),
    ("POST", "/persons/{person:int}/say", say),
    ("POST", "/persons/{person:int}/send", send),
    ("POST", "/persons/{person:int}/edit", edit),
    ("POST", "/persons/{person:int}/delete", delete),
    ("POST", "/persons/{person:int}/tap", tap),
    ("POST", "/persons/{person:int}/inline", type_inline),
    ("POST", "/persons/{person:int}/block", block),
    ("POST", "/persons/{person:int}/unblock", unblock),
    ("POST", "/persons/{person:int}/deactivate", deactivate),
    ("POST", "/groups", create_group),
    ("POST", "/groups/{group}/{action}", change_group),
    ("POST", "/groups/{group}/topics/{topic}", manage_topic),
    ("POST", "/chats/{chat}/topics", open_topic),
    ("GET", "/chats", list_chats),
    ("GET", "/chats/{chat}/transcript", transcript),
    ("GET", "/chats/{chat}/messages/{message:int}/document", download),
]
