"""Each answer of the portal with one value replaced or removed: it is read, or it is an error that the screens know."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import stamina
from hypothesis import given, strategies as st

from portal.client import Reader
from portal.errors import PortalError
from portal.http import HttpPortal
from sandbox.portal.faults import Fault, FaultKind
from sandbox.portal.server import PortalServer
from sandbox.telegram.persons import Person
from tests.fuzz.conftest import INTERNAL_ERROR, People
from tests.fuzz.values import JSON, in_scene, pointers
from tests.scene import PORTAL_TOKEN, Scene

CAMILLE = Reader("c-1001", "a-2001")
CALLS: dict[str, Callable[[HttpPortal], Awaitable[Any]]] = {
    "find_contacts": lambda portal: portal.find_contacts("client@example.test"),
    "contact": lambda portal: portal.contact("c-1001"),
    "orders": lambda portal: portal.orders(CAMILLE, page=1, page_size=5),
    "order": lambda portal: portal.order(CAMILLE, "26387"),
    "invoices": lambda portal: portal.invoices(CAMILLE, page=1, page_size=5),
    "invoice": lambda portal: portal.invoice(CAMILLE, "212380"),
    "invoice_summary": lambda portal: portal.invoice_summary(CAMILLE),
    "links": lambda portal: portal.links("fr"),
}
SAID = ("/factures", "/commandes", "212380", "26387", "/solde", "/start", "factures impayées", "mes commandes de 2025")
EVENTS = "events"
REPLACEMENTS = st.just("") | JSON.map(json.dumps)
FOUND: list[tuple[str, str, str]] = []
"""What the generated tests found: call, pointer, replacement."""
FOUND_IN_SCREENS: list[tuple[str, str, str]] = []
"""The same with a typed text."""


@dataclass
class Subject:
    """A portal, a client of it, a cursor before its only event, and the JSON pointers of its answers by call."""

    server: PortalServer
    client: HttpPortal
    cursor: str
    known: dict[str, list[str]] = field(default_factory=dict)

    async def ask(self, call: str) -> object:
        """Make a call of the portal."""
        return await (self.client.events(self.cursor, 100) if call == EVENTS else CALLS[call](self.client))

    async def pointers(self, call: str) -> list[str]:
        """Return the pointers of the unchanged answer to a call."""
        if call not in self.known:
            self.server.log.clear()
            await self.ask(call)
            self.known[call] = await answer_pointers(self.server)
        return self.known[call]


async def answer_pointers(server: PortalServer) -> list[str]:
    """Repeat the newest request of the portal's log, and return the pointers of its answer."""
    entry = server.log.entries[-1]
    if entry.endpoint == "contacts/search":  # a POST, which answers with a list of contacts
        return ["", "/items", *await pointers_at(server, "/v1/contacts/c-1001", "", "/items/0")]
    return await pointers_at(server, entry.path, entry.query)


async def pointers_at(server: PortalServer, path: str, query: str, start: str = "") -> list[str]:
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {PORTAL_TOKEN}"}) as http:
        answer = await http.get(f"{server.url}{path}?{query}")
    return pointers(answer.json(), start)


@pytest.fixture
async def subject() -> AsyncIterator[Subject]:
    async with PortalServer(PORTAL_TOKEN) as server:
        client = HttpPortal(server.url, PORTAL_TOKEN)
        cursor = (await client.events(None, 1)).cursor
        server.portal.issue_invoice("a-2001", amount="40.19", number="990001")
        yield Subject(server, client, cursor)
        await client.aclose()


@pytest.fixture(autouse=True)
def one_attempt() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1):
        yield


async def ask(subject: Subject, call: str, pointer: str, body: str) -> None:
    """Make the call while a value of its answer is replaced. Only the portal's errors may be raised."""
    subject.server.faults.clear()
    subject.server.faults.set(Fault(FaultKind.REPLACED, pointer=pointer, body=body))
    try:
        answer = await subject.ask(call)
    except PortalError:
        return
    finally:
        subject.server.faults.clear()
    assert repr(answer)


@pytest.mark.parametrize("call", [*CALLS, EVENTS])
@in_scene(80)
@given(st.data())
async def test_changed_answer_is_read_or_refused(subject: Subject, call: str, data: st.DataObject) -> None:
    pointer = data.draw(st.sampled_from(await subject.pointers(call)))
    await ask(subject, call, pointer, data.draw(REPLACEMENTS))


@pytest.mark.parametrize(("call", "pointer", "body"), FOUND)
async def test_what_was_found_in_answers(subject: Subject, call: str, pointer: str, body: str) -> None:
    await ask(subject, call, pointer, body)


async def say_under(scene: Scene, person: Person, said: str, pointer: str, body: str) -> str:
    """Type a text while a value of the portal's papers is replaced. Returns the text of the screen that follows."""
    scene.portal.faults.set(Fault(FaultKind.REPLACED, path="*/accounts/*", pointer=pointer, body=body))
    try:
        screen = await scene.say(person, said)
    finally:
        scene.portal.faults.clear()
    assert screen.text
    assert INTERNAL_ERROR not in screen.text, screen.text
    return screen.text


@in_scene(25)
@given(st.data())
async def test_changed_paper_gives_a_screen(scene: Scene, people: People, data: st.DataObject) -> None:
    """Whatever a value of the portal becomes, the person gets a screen, and not the one for errors of the bot."""
    person, said = await people.linked(), data.draw(st.sampled_from(SAID))
    if said not in people.seen:
        scene.portal.log.clear()
        await scene.say(person, said)
        asked = {(each.path, each.query) for each in scene.portal.log.entries if "/accounts/" in each.path}
        people.seen[said] = [
            each for path, query in sorted(asked) for each in await pointers_at(scene.portal, path, query)
        ]
    await say_under(scene, person, said, data.draw(st.sampled_from(people.seen[said])), data.draw(REPLACEMENTS))


@pytest.mark.parametrize(("said", "pointer", "body"), FOUND_IN_SCREENS)
async def test_what_was_found_in_screens(scene: Scene, said: str, pointer: str, body: str) -> None:
    await say_under(scene, await scene.linked(), said, pointer, body)
