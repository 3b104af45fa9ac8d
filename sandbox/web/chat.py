"""The chat: people, what they do, and the pane that shows it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from sandbox.telegram.persons import Person
from sandbox.web.bubbles import bubbles
from sandbox.web.calls import Call, NotHere, Routes, chat_of, done
from sandbox.web.page import Page
from sandbox.web.views import day_name

CLIENT_LANGUAGES = ("fr", "en", "es", "de", "pt-br", "")
TINTS = 7

SENDS: dict[str, Callable[[Person], object]] = {
    "sticker": lambda person: person.send_sticker(),
    "photo": lambda person: person.send_photo(),
    "voice": lambda person: person.send_voice(),
    "location": lambda person: person.send_location(),
    "contact": lambda person: person.send_contact(),
    "document": lambda person: person.send_document(),
}


def people_values(page: Page, chosen: int | None) -> dict[str, Any]:
    """What the list of people needs."""
    people = [_card(page, person, chosen) for person in page.world.persons.values()]
    people.sort(key=lambda card: card["seq"], reverse=True)
    return {"people": people, "client_languages": CLIENT_LANGUAGES}


def _card(page: Page, person: Person, chosen: int | None) -> dict[str, Any]:
    chat = chat_of(page, person)
    last = next((each for each in reversed(chat.messages.values()) if not each.deleted), None) if chat else None
    unread = 0
    if chat is not None and person.user_id != chosen:
        news = chat.since(page.read.get(person.user_id, 0))
        unread = sum(each.kind == "message" and each.message is not None and each.message.from_bot for each in news)
    return {
        "person": person,
        "chosen": person.user_id == chosen,
        "tint": person.user_id % TINTS,
        "last": last,
        "unread": unread,
        "seq": chat.last_change if chat else 0,
    }


def chat_values(page: Page, person: Person) -> dict[str, Any]:
    """What the whole chat pane needs."""
    chat = chat_of(page, person)
    shown, earlier = bubbles(chat) if chat else ([], 0)
    return {
        **head_values(page, person),
        "bubbles": shown,
        "earlier": earlier,
        "day_name": day_name,
        "sends": list(SENDS),
        "client_languages": CLIENT_LANGUAGES,
    }


def head_values(page: Page, person: Person) -> dict[str, Any]:
    """What surrounds the messages: who it is, the menu, and what can be written."""
    profile = page.bot.profile
    language = (person.language_code or "")[:2]
    return {
        "person": person,
        "bot": page.bot,
        "tint": person.user_id % TINTS,
        "menu": person.menu(),
        "description": profile.descriptions.get(language) or profile.descriptions.get("", ""),
        "state": state_of(page, person),
        "sends": list(SENDS),
        "client_languages": CLIENT_LANGUAGES,
    }


def state_of(page: Page, person: Person) -> str:
    """What the person can do at the bottom of the chat: start, write or unblock."""
    if page.bot in person.blocked:
        return "blocked"
    return "write" if chat_of(page, person) else "start"


def default_person(page: Page) -> Person | None:
    """Whoever last had something happen in their chat."""
    people = list(page.world.persons.values())
    return max(people, key=lambda each: chat.last_change if (chat := chat_of(page, each)) else 0, default=None)


async def show(call: Call) -> Response:
    """The chat of one person."""
    return call.show("chat", **chat_values(call.page, call.person))


async def create(call: Call) -> Response:
    """Somebody new, and their chat."""
    person = call.page.world.create_person(
        first_name=call.field("first_name")[:64] or "Camille", language_code=call.field("language") or None
    )
    return call.show("chat", **chat_values(call.page, person))


async def start(call: Call) -> Response:
    """Presses Start, or follows a deep link."""
    call.person.start(call.field("payload") or None)
    return done()


async def say(call: Call) -> Response:
    """Writes a text."""
    call.person.say(str(call.form.get("text", "")))
    return done()


async def send(call: Call) -> Response:
    """Sends something that is no text."""
    kind = call.field("kind")
    if kind not in SENDS:
        raise NotHere
    SENDS[kind](call.person)
    return done()


async def tap(call: Call) -> Response:
    """Taps an inline button where it stands."""
    message = call.message(call.number("message"))
    call.person.tap(message=message, row=call.number("row"), column=call.number("column"))
    return done()


async def speak(call: Call) -> Response:
    """Changes the language of the person's client."""
    call.person.set_language(call.field("language") or None)
    return done()


async def block(call: Call) -> Response:
    """Stops the bot."""
    call.person.block()
    return done()


async def unblock(call: Call) -> Response:
    """Lets the bot write again."""
    call.person.unblock()
    return done()


async def earlier(call: Call) -> Response:
    """The messages before one."""
    chat = chat_of(call.page, call.person)
    if chat is None:
        raise NotHere
    before = int(call.request.query_params.get("before", "0"))
    shown, left = bubbles(chat, before)
    return call.show("earlier", person=call.person, bubbles=shown, earlier=left, day_name=day_name, bot=call.page.bot)


async def file(call: Call) -> Response:
    """A message's file: a PDF opens, everything else is kept."""
    found = call.message(call.request.path_params["message"]).file
    if found is None:
        raise NotHere
    opens = found.mime_type == "application/pdf" and "download" not in call.request.query_params
    headers = {
        "Content-Disposition": f"{'inline' if opens else 'attachment'}; filename*=UTF-8''{quote(found.name, safe='')}",
        # The browser's own viewer needs styles and its plug-in; whatever else calls itself a PDF gets nothing.
        "Content-Security-Policy": "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'",
    }
    return Response(found.content, media_type=found.mime_type if opens else "application/octet-stream", headers=headers)


CHAT_ROUTES: Routes = [
    ("POST", "/people", create),
    ("GET", "/people/{person:int}", show),
    ("GET", "/people/{person:int}/earlier", earlier),
    ("GET", "/people/{person:int}/files/{message:int}", file),
    ("POST", "/people/{person:int}/start", start),
    ("POST", "/people/{person:int}/say", say),
    ("POST", "/people/{person:int}/send", send),
    ("POST", "/people/{person:int}/tap", tap),
    ("POST", "/people/{person:int}/language", speak),
    ("POST", "/people/{person:int}/block", block),
    ("POST", "/people/{person:int}/unblock", unblock),
]
