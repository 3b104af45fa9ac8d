"""The request as the page's handlers see it, and their type."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sandbox.telegram.model.chats import Chat, Message
from sandbox.telegram.persons.person import Person
from sandbox.web.page import Page
from sandbox.web.rendering.views import Views, language_of


class NotFound(Exception):
    """No such person, message, mail or account exists. The page answers 404."""


@dataclass(slots=True)
class Call:
    """One request to the page."""

    page: Page
    views: Views
    request: Request
    form: FormData

    @property
    def language(self) -> str:
        """The page's language in this browser."""
        return language_of(self.request.cookies.get("ui"), self.request.headers.get("accept-language", ""))

    def field(self, name: str) -> str:
        """Return a trimmed field of the form; empty when it is missing."""
        return str(self.form.get(name, "")).strip()

    def number(self, name: str) -> int:
        """Return a number from the form. Raises ValueError."""
        return int(self.field(name))

    @property
    def person(self) -> Person:
        """The person in the path. Raises NotFound."""
        return person_of(self.page, self.request.path_params["person"])

    def message(self, message_id: int) -> Message:
        """Return a message of the person's chat. Raises NotFound."""
        chat = chat_of(self.page, self.person)
        found = chat.find(message_id) if chat else None
        if found is None:
            raise NotFound
        return found

    def show(self, template: str, **values: Any) -> Response:
        """Render a template in the browser's language."""
        return HTMLResponse(self.views.render(template, self.language, **values))


Handler = Callable[[Call], Awaitable[Response]]
Routes = list[tuple[str, str, Handler]]
DONE = 204


def done() -> Response:
    """Return an empty answer. The event stream carries the changes."""
    return Response(status_code=DONE)


def person_of(page: Page, person_id: int) -> Person:
    """Return a person by id. Raises NotFound."""
    person = page.world.persons.get(person_id)
    if person is None:
        raise NotFound
    return person


def chat_of(page: Page, person: Person) -> Chat | None:
    """Return the private chat with the bot, or None before the first start."""
    return page.bot.private.get(person.user_id)
