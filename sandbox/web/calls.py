"""What a route of the page is: a function of the page and a call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sandbox.telegram.model import Chat, Message
from sandbox.telegram.persons import Person
from sandbox.web.page import Page
from sandbox.web.views import Views, language_of


class NotHere(Exception):
    """The page knows no such person, message, letter or account: 404."""


@dataclass(slots=True)
class Call:
    """One request: who asks in which language, and what was filled in."""

    page: Page
    views: Views
    request: Request
    form: FormData

    @property
    def language(self) -> str:
        """The page's language in this browser."""
        return language_of(self.request.cookies.get("ui"))

    def field(self, name: str) -> str:
        """A field of the form, trimmed; empty where it is not there."""
        return str(self.form.get(name, "")).strip()

    def number(self, name: str) -> int:
        """A number of the form. Raises ValueError."""
        return int(self.field(name))

    @property
    def person(self) -> Person:
        """The person of the path. Raises NotHere."""
        return person_of(self.page, self.request.path_params["person"])

    def message(self, message_id: int) -> Message:
        """A message that the person sees. Raises NotHere."""
        chat = chat_of(self.page, self.person)
        found = chat.find(message_id) if chat else None
        if found is None:
            raise NotHere
        return found

    def show(self, template: str, **values: Any) -> Response:
        """A fragment in the browser's language."""
        return HTMLResponse(self.views.render(template, self.language, **values))


Handler = Callable[[Call], Awaitable[Response]]
Routes = list[tuple[str, str, Handler]]
DONE = 204


def done() -> Response:
    """Nothing to show: what follows comes over the stream."""
    return Response(status_code=DONE)


def person_of(page: Page, person_id: int) -> Person:
    """A person by id. Raises NotHere."""
    person = page.world.persons.get(person_id)
    if person is None:
        raise NotHere
    return person


def chat_of(page: Page, person: Person) -> Chat | None:
    """The private chat with the bot, None before it was started."""
    return page.bot.private.get(person.user_id)
