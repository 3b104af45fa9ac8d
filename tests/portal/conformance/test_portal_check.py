"""`odobot portal-check`: its report on a correct portal and on faulty ones."""

import asyncio
import json
import re
from collections.abc import Callable

import pytest
from starlette.types import Message, Receive, Scope, Send
from typer.testing import CliRunner

from bot.cli import cli
from portal.client import Reader
from portal.conformance.check import CheckResult, Outcome, Subject
from portal.conformance.path_checks import check_paths
from portal.conformance.report import check_portal
from portal.errors import PortalRefused
from portal.http import HttpPortal
from portal.models import Invoice
from sandbox.portal.app import create_app
from sandbox.portal.company import Portal
from sandbox.portal.faults import Fault, FaultKind
from sandbox.portal.server import PortalServer
from sandbox.serving import serve
from services.account.balance import read_balance
from tests.bot import logging_as_it_was
from tests.portal.conformance.memory_portal import ANNA as MEMORY_ANNA, ZED as MEMORY_ZED, MemoryPortal
from tests.security.folding_proxy import FOLDS, Fold, folding_proxy

FLEET = "flotte@example.test"
ANNA = "anna@example.test"
CLIENT = ("--email", FLEET, "--other-email", ANNA)


async def subject_at(url: str, token: str, email: str, other_email: str = "") -> Subject:
    """Return the person that a portal is checked with."""
    portal = HttpPortal(url, token)
    subject = Subject(portal, email, other_email)
    await subject.prepare()
    await portal.aclose()
    return subject


async def check(url: str, *options: str, token: str = "secret") -> tuple[int, str]:
    """Run the command. Returns: exit code and output."""
    environment = {"ODOBOT_PORTAL_TOKEN": token}
    with logging_as_it_was():
        done = await asyncio.to_thread(CliRunner().invoke, cli, ["portal-check", url, *options], env=environment)
    assert isinstance(done.exception, SystemExit | None), done.exception
    return done.exit_code, "\n".join(re.sub(" {2,}", "  ", line) for line in done.output.splitlines())


def broken(output: str) -> list[str]:
    """Return the lines about broken promises."""
    return [line for line in output.splitlines() if line.startswith("BROKEN")]


async def test_correct_portal() -> None:
    async with PortalServer("secret") as server:
        code, output = await check(server.url, *CLIENT, "--examples", "5")
    assert code == 0, output
    assert broken(output) == []
    assert "kept  HTTP: GET /v1/events" in output
    assert "secret" not in output
    assert "flotte@" not in output


@pytest.mark.parametrize(
    ("fault", "promise"),
    [
        (Fault(FaultKind.PDF_TRUNCATED, path="*/pdf"), "An invoice's PDF"),
        (Fault(FaultKind.PDF_HTML, path="*/pdf"), "An invoice's PDF"),
        (Fault(FaultKind.MALFORMED_JSON, path="/v1/links"), "The portal's menu"),
        (Fault(FaultKind.UNAVAILABLE, path="/v1/events"), "The feed starts at now"),
        (Fault(FaultKind.MALFORMED_JSON, path="/v1/contacts/search"), "The portal answers"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
async def test_faulty_portal(fault: Fault, promise: str) -> None:
    """The report names the broken promise, and nothing about the person."""
    async with PortalServer("secret") as server:
        server.faults.set(fault)
        code, output = await check(server.url, *CLIENT, "--examples", "0")
    assert code == 1
    assert any(promise in line for line in broken(output)), output
    assert "flotte@" not in output


async def test_wrong_content_type_breaks_an_http_call() -> None:
    async with PortalServer("secret") as server:
        server.faults.set(Fault(FaultKind.WRONG_TYPE, path="/v1/links"))
        code, output = await check(server.url, *CLIENT, "--examples", "2")
    assert code == 1
    [line] = [line for line in broken(output) if "HTTP:" in line]
    assert "GET /v1/links" in line


async def test_wrong_token_and_unknown_address() -> None:
    async with PortalServer("secret") as server:
        code, output = await check(server.url, *CLIENT, token="wrong")
        assert (code, len(output.splitlines())) == (1, 2)
        assert "PortalRefused" in output
        code, output = await check(server.url, "--email", "nobody@example.test")
        assert code == 1
        assert "nobody has the address that was given" in output


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://portal.example.com", "plain http:// only on this machine"),
        ("tryton+https://host", "expected tryton+https://host/database"),
        ("ftp://host", "expected https://host"),
    ],
)
async def test_invalid_portal_url(url: str, words: str) -> None:
    code, output = await check(url, *CLIENT)
    assert code == 2
    assert words in output
    assert len(output.splitlines()) == 1


async def findings(url: str) -> dict[str, CheckResult]:
    """Return the results of the checks of paths, by promise."""
    found = await check_paths(url, "secret", await subject_at(url, "secret", FLEET, ANNA))
    return {each.promise: each for each in found}


async def test_paths_of_a_correct_portal() -> None:
    async with PortalServer("secret") as server:
        assert {found.outcome for found in (await findings(server.url)).values()} == {Outcome.KEPT}


@pytest.mark.parametrize("fold", FOLDS, ids=lambda fold: fold.__name__)
async def test_proxy_that_folds(fold: Fold) -> None:
    async with PortalServer("secret") as server, folding_proxy(server.url, fold) as url:
        code, output = await check(url, *CLIENT, "--examples", "0")
    assert code == 1
    [line] = [line for line in broken(output) if "A proxy in front must not decode or fold paths" in line]
    assert "240" not in line


async def test_refusals_of_another_type() -> None:
    async with PortalServer("secret") as server:
        subject = await subject_at(server.url, "secret", FLEET)
        server.faults.set(Fault(FaultKind.PROXY_PAGE, path="*odobot-portal-check-*"))
        found = {each.promise: each.outcome for each in await check_paths(server.url, "secret", subject)}
    assert found["A 404 is application/problem+json"] is Outcome.BROKEN


NOT_LEFT_OUT = "Over HTTP, another customer's paper is refused like one that does not exist"


@pytest.mark.parametrize(
    ("header", "leaks", "words"),
    [
        (b"x-owner", lambda path, _: b"/2501" in path, "the status or the headers"),
        (b"", lambda _, query: b"number=2501" in query, "?number= finds it"),
    ],
    ids=["header", "number"],
)
async def test_existence_told_over_http(header: bytes, leaks: Callable[[bytes, bytes], bool], words: str) -> None:
    """A header of the refusal, or ``?number=``, tells that another customer has the number."""

    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and header:
                message["headers"] = [*message["headers"], (header, b"1")]
            await send(message)

        found = scope["type"] == "http" and leaks(scope["raw_path"], scope["query_string"])
        if found and not header:
            path = scope["path"].replace("c-1002/accounts/a-2003", "c-1004/accounts/a-2004")
            scope |= {"path": path, "raw_path": path.encode()}
        await app(scope, receive, sent if found else send)

    portal = Portal()
    app = create_app(portal, "secret")
    async with serve(telling) as url:
        result = (await findings(url))[NOT_LEFT_OUT]
    portal.close()
    assert result.outcome is Outcome.BROKEN
    assert words in result.words


async def test_answer_of_another_number() -> None:
    async with PortalServer("secret") as server:
        subject = await subject_at(server.url, "secret", FLEET)
        server.faults.set(Fault(FaultKind.ANOTHER_NUMBER, path="*/invoices/*"))
        found = {each.promise: each.outcome for each in await check_paths(server.url, "secret", subject)}
    assert found["An invoice's answer has the number that was asked for"] is Outcome.BROKEN


async def test_portal_without_number() -> None:
    """``?number=`` is an addition: a portal that ignores it is told what that costs."""

    async def ignoring(scope: Scope, receive: Receive, send: Send) -> None:
        scope["query_string"] = b"" if b"number=" in scope["query_string"] else scope["query_string"]
        scope["raw_path"] = scope.get("raw_path") or scope["path"].encode()
        await app(scope, receive, send)

    portal = Portal()
    app = create_app(portal, "secret")
    async with serve(ignoring) as url:
        found = (await findings(url))["Lists are filtered by ?number="]
    portal.close()
    assert found.outcome is Outcome.MISSING


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_summary_from_portal_or_open_invoices(language: str) -> None:
    """A portal without the summary, which answers 404, gives the same one, made from the open invoices."""
    async with PortalServer("secret") as server:
        portal = HttpPortal(server.url, "secret")
        reader = Reader("c-1002", "a-2003", language)
        today = server.portal.today()
        own = (await read_balance(portal, reader, today)).items
        server.faults.set(Fault(FaultKind.NOT_FOUND, path="*/invoices/summary"))
        made = (await read_balance(portal, reader, today)).items
        await portal.aclose()
    assert own == made
    assert (own[0].currency, own[0].open_count) == ("CAD", 4)
    assert f"language={language}" in server.log.entries[-1].query


async def test_older_portal_is_told_what_it_lacks() -> None:
    """A portal without the additions is valid: the check says what the chat derives instead."""
    async with PortalServer("secret") as server:
        server.faults.set(Fault(FaultKind.NO_ADDITIONS))
        server.faults.set(Fault(FaultKind.NOT_FOUND, path="*/invoices/summary"))
        code, output = await check(server.url, *CLIENT, "--examples", "1")
    assert "not told  An invoice's status and kind are told" in output
    assert broken(output) == []
    assert code == 0


async def test_what_is_not_tested_is_said() -> None:
    """Without a second address, and with a quiet feed, the report says what would have to be given."""
    async with PortalServer("secret") as server:
        code, output = await check(server.url, "--email", FLEET, "--examples", "0")
        json_code, facts = await check(server.url, "--email", FLEET, "--examples", "0", "--json")
    assert (code, json_code) == (0, 0)
    untested = [line for line in output.splitlines() if line.startswith("not tested")]
    assert "not tested  No list has another customer's orders or invoices: give --other-email" in "\n".join(untested)
    assert [line for line in untested if "give --cursor" in line]
    outcomes = {each["promise"]: each["outcome"] for each in json.loads(facts)["promises"]}
    assert outcomes["No list has another customer's orders or invoices"] == "untested"


async def test_events_after_an_old_cursor() -> None:
    async with PortalServer("secret") as server:
        portal = HttpPortal(server.url, "secret")
        cursor = (await portal.events(None, 10)).cursor
        await portal.aclose()
        for _ in range(4):
            server.portal.issue_invoice("a-2003", "100.00")
        code, output = await check(server.url, *CLIENT, "--examples", "0", "--cursor", cursor)
    assert code == 0
    assert "kept  The feed gives each event once, at most as many as asked for, and its cursor moves on" in output
    assert "kept  The order or invoice of an event can be read when the event comes" in output


async def test_pdf_that_is_being_made() -> None:
    """The check waits, as the chat does, and says whether the portal told for how long."""
    for retry_after, expected in ((0, "kept"), (None, "BROKEN")):
        async with PortalServer("secret") as server:
            server.faults.set(
                Fault(
                    FaultKind.NOT_READY,
                    path="*/c-1002/accounts/a-2003/invoices/240130/pdf",
                    times=1,
                    retry_after=retry_after,
                )
            )
            _, output = await check(server.url, "--email", FLEET, "--examples", "0")
        assert f"{expected}  A PDF that is being made is 409 with Retry-After, and comes then" in output


@pytest.mark.parametrize("email", ["commandes@example.test", "comptable@example.test"])
async def test_contact_who_may_see_a_part_only(email: str) -> None:
    async with PortalServer("secret") as server:
        code, output = await check(server.url, "--email", email, "--other-email", ANNA, "--examples", "0")
    assert (code, broken(output)) == (0, [])
    assert "kept  What a contact may see of an account is what `access` says" in output


class PortalWithFindings(MemoryPortal):
    """An adapter that knows its source."""

    def __init__(self, *lines: str) -> None:
        self._lines = lines

    async def findings(self) -> list[str]:
        """Return what is wrong with the source."""
        return list(self._lines)

    async def left_out(self) -> list[str]:
        """Return what the source could have, too."""
        return ["odobot_orders.title: no line"]


@pytest.mark.parametrize("lines", [(), ("odobot_orders.number is missing", "odobot_invoices.date is a text")])
def test_findings_of_an_adapter(lines: tuple[str, ...]) -> None:
    report = check_portal(PortalWithFindings(*lines), "views://x", "", MEMORY_ANNA, MEMORY_ZED, is_http_contract=False)
    found = [line for line in report.lines() if "The adapter finds no fault in its source" in line]
    assert [line.partition(": ")[2] for line in found] == list(lines or [""])
    assert report.is_kept == (not lines)
    assert any(line.startswith("not told") and "odobot_orders.title: no line" in line for line in report.lines())


class TalkativePortal(MemoryPortal):
    """An adapter whose exceptions repeat what was asked for."""

    async def invoice(self, reader: Reader, number: str) -> Invoice:
        """Refuse every invoice."""
        raise PortalRefused(f"{reader.contact_id}: no invoice {number} for {MEMORY_ANNA}")


def test_exceptions_are_printed_without_values() -> None:
    portal = TalkativePortal()
    report = check_portal(portal, "views://x", "", MEMORY_ANNA, is_http_contract=False)
    [line] = [line for line in report.lines() if "An invoice read by its number" in line]
    assert line.endswith("PortalRefused: …: no invoice … for …")
