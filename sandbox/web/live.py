"""The event stream of one tab. Fragments have ids, so that receiving one twice is harmless."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from markupsafe import Markup
from starlette.responses import Response, StreamingResponse

from sandbox.telegram.events import Event
from sandbox.telegram.model.chats import Change, Chat, Message
from sandbox.telegram.persons.person import Person
from sandbox.web.calls import Call, Routes, chat_of
from sandbox.web.page import Page
from sandbox.web.panes.chat import chat_values, head_values, people_values
from sandbox.web.panes.letters import letter_values
from sandbox.web.panes.staff import staff_values
from sandbox.web.rendering.bubbles import SHOWN, changed_bubbles
from sandbox.web.rendering.views import Views, day_name

KEEP_ALIVE_SECONDS = 15.0
LINE_END = re.compile("\r\n|\r|\n")
SHOWN_KINDS = ("message", "edit", "pin", "reaction")


@dataclass(slots=True)
class Tab:
    """One open tab: the person it shows, its language, and the last event number it has seen."""

    page: Page
    views: Views
    language: str
    person: Person | None
    seen: int

    async def stream(self) -> AsyncIterator[str]:
        """Yield server-sent events until the page closes. `reload` tells that too many events were missed."""
        events = self.page.world.events
        self.page.viewers += 1
        try:
            yield ": hello\n\n"
            while not self.page.closed:
                if self._missed_too_much():
                    yield "event: reload\ndata: \n\n"
                    return
                news = events.after(self.seen)
                if news:
                    since, self.seen = self.seen, news[-1].seq
                    yield self._event("page", self._fragments(news, since))
                    if any(event.kind == "office" for event in news):
                        yield self._event("office", Markup())
                elif not await events.changed.wait(KEEP_ALIVE_SECONDS):
                    yield ": still here\n\n"
        finally:
            self.page.viewers -= 1

    def _missed_too_much(self) -> bool:
        events = self.page.world.events
        kept = events.recent[0].seq if events.recent else 1
        return self.seen > events.sequence or self.seen < kept - 1

    def _event(self, name: str, html: Markup) -> str:
        # A carriage return also ends a line of the stream.
        lines = "".join(f"data: {line}\n" for line in LINE_END.split(html))
        return f"id: {self.seen}\nevent: {name}\n{lines}\n"

    def _render(self, template: str, **values: object) -> Markup:
        return self.views.render(template, self.language, **values)

    def _fragments(self, news: list[Event], since: int) -> Markup:
        pieces = [self._chat(news, since)] if self.person else []
        for event in news:
            if event.kind == "request":
                pieces.append(self._render("request", call=event.data()["request"]))
            elif event.kind == "portal_call":
                pieces.append(self._render("portal_call", call=event.data()["call"]))
            elif event.kind == "letter":
                letter = self.page.mailbox.message(event.data()["letter"])
                if letter is not None:
                    pieces.append(self._render("letter", **letter_values(letter), opened=True))
        forum = self.page.forum
        if forum is not None and any(event.chat_id == forum.chat.chat_id for event in news):
            pieces.append(self._render("staff", **staff_values(self.page)))
        if any(event.kind in ("message", "delete", "person", "chat") for event in news):
            pieces.append(self._render("people", **people_values(self.page, self._person_id)))
        return Markup("\n").join(pieces)

    @property
    def _person_id(self) -> int | None:
        return self.person.user_id if self.person else None

    def _chat(self, news: list[Event], since: int) -> Markup:
        assert self.person is not None
        self.page.read[self.person.user_id] = self.seen
        chat = chat_of(self.page, self.person)
        pieces = []
        if any(event.kind in ("person", "commands", "chat") for event in news):
            pieces.append(self._render("head", **head_values(self.page, self.person)))
        if chat is not None:
            pieces += self._changes(chat, [each for each in chat.since(since) if each.seq <= self.seen])
        return Markup("\n").join(pieces)

    def _changes(self, chat: Chat, changes: list[Change]) -> list[Markup]:
        shown = {each.message for each in changes if each.message is not None and each.kind in SHOWN_KINDS}
        if len(shown) > SHOWN:
            assert self.person is not None
            return [self._render("chat", **chat_values(self.page, self.person))]
        pieces = [
            self._render("bubble", bubble=bubble, person=self.person, bot=self.page.bot, day_name=day_name)
            for bubble in changed_bubbles(chat, shown)
        ]
        for change in changes:
            if change.kind == "delete" and change.message is not None:
                pieces.append(self._render("gone", message=change.message))
            elif change.kind == "action":
                pieces.append(self._render("doing", action=change.data["action"]))
            elif change.kind == "answer":
                pieces.append(self._render("answer", answer=change.data["answer"], seq=change.seq))
        if any(_ends_waiting(message) for message in shown):
            pieces.append(self._render("doing", action=""))
        return pieces


def _ends_waiting(message: Message) -> bool:
    return message.from_bot


async def live(call: Call) -> Response:
    """Open the stream of one tab. The query has `since`, `run` and, if a person is open, `person`."""
    query = call.request.query_params
    person_id = query.get("person", "")
    since = int(call.request.headers.get("last-event-id") or query.get("since", "0"))
    person = call.page.world.persons.get(int(person_id)) if person_id else None
    if query.get("run") != call.page.run_id:
        since, person = -1, None
    tab = Tab(call.page, call.views, call.language, person, since)
    return StreamingResponse(tab.stream(), media_type="text/event-stream")


LIVE_ROUTES: Routes = [("GET", "/live", live)]
