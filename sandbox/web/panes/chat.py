"""The chat pane: the list of people, a person's chat, and the person's actions."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from sandbox.telegram.persons.person import Person
from sandbox.web.calls import DONE, Call, NotFound, Routes, chat_of, done
from sandbox.web.page import Page
from sandbox.web.rendering.bubbles import bubbles
from sandbox.web.rendering.views import day_name

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
    """Return the template values of the list of people."""
    people = [_card(page, person, chosen) for person in page.world.persons.values() if not page.is_staff(person)]
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
    """Return the template values of the whole chat pane."""
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
    """Return the template values around the messages: person, menu, and possible actions."""
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
    """Return what the person can do in the chat: `start`, `write` or `blocked`."""
    if page.bot in person.blocked:
        return "blocked"
    return "write" if chat_of(page, person) else "start"


def default_person(page: Page) -> Person | None:
    """Return the person whose chat changed last, or None."""
    people = [person for person in page.world.persons.values() if not page.is_staff(person)]
    return max(people, key=lambda each: chat.last_change if (chat := chat_of(page, each)) else 0, default=None)


async def show(call: Call) -> Response:
    """Show the chat of one person."""
    return call.show("chat", **chat_values(call.page, call.person))


async def create(call: Call) -> Response:
    """Create a person and show the chat."""
    person = call.page.world.create_person(
        first_name=call.field("first_name")[:64] or "Camille", language_code=call.field("language") or None
    )
    return call.show("chat", **chat_values(call.page, person))


async def start(call: Call) -> Response:
    """Press Start, or follow a deep link."""
    call.person.start(call.field("payload") or None)
    return done()


async def say(call: Call) -> Response:
    """Send a text."""
    call.person.say(str(call.form.get("text", "")))
    return done()


async def send(call: Call) -> Response:
    """Send something other than text."""
    kind = call.field("kind")
    if kind not in SENDS:
        raise NotFound
    SENDS[kind](call.person)
    return done()


async def tap(call: Call) -> Response:
    """Tap an inline button by its position."""
    message = call.message(call.number("message"))
    call.person.tap(message=message, row=call.number("row"), column=call.number("column"))
    return done()


async def set_language(call: Call) -> Response:
    """Change the language of the person's client."""
    call.person.set_language(call.field("language") or None)
    return done()


async def change_client(call: Call) -> Response:
    """Give the person a client that does not know rich messages, or one that does; the page is loaded again."""
    call.person.shows_rich = not call.person.shows_rich
    return Response(status_code=DONE, headers={"HX-Refresh": "true"})


async def block(call: Call) -> Response:
    """Block the bot."""
    call.person.block()
    return done()


async def unblock(call: Call) -> Response:
    """Unblock the bot."""
    call.person.unblock()
    return done()


async def earlier(call: Call) -> Response:
    """Show the messages before a message id."""
    chat = chat_of(call.page, call.person)
    if chat is None:
        raise NotFound
    before = int(call.request.query_params.get("before", "0"))
    shown, left = bubbles(chat, before)
    return call.show("earlier", person=call.person, bubbles=shown, earlier=left, day_name=day_name, bot=call.page.bot)


async def file(call: Call) -> Response:
    """Return a message's file. A PDF opens in the browser; other files are downloaded."""
    found = call.message(call.request.path_params["message"]).file
    if found is None:
        raise NotFound
    opens = found.mime_type == "application/pdf" and "download" not in call.request.query_params
    headers = {
        "Content-Disposition": f"{'inline' if opens else 'attachment'}; filename*=UTF-8''{quote(found.name, safe='')}",
        # The browser's PDF viewer needs styles and its plug-in; another file named PDF may load nothing.
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
    ("POST", "/people/{person:int}/language", set_language),
    ("POST", "/people/{person:int}/client", change_client),
    ("POST", "/people/{person:int}/block", block),
    ("POST", "/people/{person:int}/unblock", unblock),
]
