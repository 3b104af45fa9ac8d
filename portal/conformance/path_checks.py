"""The checks of paths and refusals, with raw HTTP requests that the bot itself never makes."""

import json
from collections.abc import Awaitable, Callable

import httpx

from portal import numbers
from portal.client import Reader
from portal.conformance.check import (
    Check,
    CheckResult,
    FactMissing,
    NothingToCheck,
    PromiseBroken,
    Subject,
    expect,
    random_word,
    run_check,
)
from portal.conformance.contents import made_up_like, spread
from portal.errors import PortalBroken, is_problem, media_type, portal_errors
from portal.http_client import Answer, fetch, http_client
from portal.models import Part

Ask = Callable[[str], Awaitable[Answer]]

_MOST_FOREIGN = 5
_DETOURS = (
    "x%2F..%2F{number}",
    "%2E%2F{number}",
    "x%2F%2E%2E%2F{number}",
    "%2E%2E%2Finvoices%2F{number}",
    "%2E%2E/invoices/{number}",
    "x/%2E%2E/{number}",
    "x%252F..%252F{number}",
    "x%252F%252E%252E%252F{number}",
    "x%5C..%5C{number}",
    "x%255C..%255C{number}",
    "..%5Cinvoices%5C{number}",
    "..;%2Finvoices%2F{number}",
    "x/..;/{number}",
    "x%EF%BC%8F..%EF%BC%8F{number}",
    "%EF%BC%8E%EF%BC%8E%2Finvoices%2F{number}",
)
"""Encoded paths that a server folds into the path of an own invoice: it would fold one to another customer's too."""


async def check_paths(url: str, token: str, subject: Subject) -> list[CheckResult]:
    """Check how a portal, and the proxy in front of it, treat paths and unknown resources.

    Args:
        url: The portal's base URL.
        token: Its bearer token.
        subject: The prepared person that it is checked with.
    """
    client = http_client(url, {"Authorization": f"Bearer {token}", "Accept": "application/json"})

    async def ask(path: str) -> Answer:
        with portal_errors("raw call"):
            return await fetch(client, "GET", path)

    checks = [
        Check("A proxy in front must not decode or fold paths", lambda subject: _folded(ask, subject)),
        Check("A 404 is application/problem+json", lambda subject: _refused(ask, subject)),
        Check("An invoice's answer has the number that was asked for", lambda subject: _numbered(ask, subject)),
        Check("Lists are filtered by ?number=", lambda subject: _by_number(ask, subject)),
        Check(
            "Over HTTP, another customer's paper is refused like one that does not exist",
            lambda subject: _foreign(ask, subject),
        ),
    ]
    try:
        return [await run_check(check, subject) for check in checks]
    finally:
        await client.aclose()


async def _folded(ask: Ask, subject: Subject) -> None:
    number = _plain_number(subject)
    for detour in _DETOURS:
        answer = await ask(f"{_invoices(subject)}/{detour.format(number=number)}")
        expect(answer.status_code != httpx.codes.OK, f"a detour to an own invoice opens it: …/invoices/{detour}")


async def _refused(ask: Ask, subject: Subject) -> None:
    for path in (
        f"/v1/contacts/{random_word()}",
        f"{_invoices(subject)}/{random_word()}",
        f"{_invoices(subject)}/{random_word()}/pdf",
        f"{_account(subject)}/orders/{random_word()}",
    ):
        answer = await ask(path)
        if answer.status_code == httpx.codes.NOT_FOUND and not is_problem(answer):
            raise PromiseBroken("a 404 has another type: the bot takes it for a proxy's and retries")


async def _numbered(ask: Ask, subject: Subject) -> None:
    number = _plain_number(subject)
    for asked in (number, f"{number}0", f"{number}.json", f"{number};v=1", f"0{number}"):
        answer = await ask(f"{_invoices(subject)}/{asked}")
        if answer.status_code == httpx.codes.OK:
            expect(numbers.is_same(_number_of(_json(answer)), asked), "another invoice came")


async def _by_number(ask: Ask, subject: Subject) -> None:
    number = _plain_number(subject)
    items = _items(_json(await ask(f"{_invoices(subject)}?number={number}&page_size=100")))
    expect(number in items, "the invoice was not found")
    none = _items(_json(await ask(f"{_invoices(subject)}?number={random_word()}&page_size=100")))
    if items != [number] or none:
        raise FactMissing("a number that a proxy may read as a path is searched with ?query=, and often not found")


async def _foreign(ask: Ask, subject: Subject) -> None:
    """Compare the answers to another customer's numbers with those to numbers that nobody has; look in the lists."""
    for mine, theirs in subject.foreign_pairs():
        for part in mine.parts:
            own = [paper.number for paper in mine.papers(part)]
            plain = [paper.number for paper in theirs.papers(part) if numbers.is_plain(paper.number)]
            path = f"{_path(mine.reader)}/{part.value}"
            for number in spread([each for each in plain if each not in own], _MOST_FOREIGN):
                listed = _items(_json(await ask(f"{path}?number={number}&page_size=100")))
                expect(number not in listed or not mine.is_whole(part), "?number= finds it")
                for end in ("", "/pdf") if part is Part.INVOICES else ("",):
                    asked = (f"{path}/{number}{end}", f"{path}/{made_up_like(number)}{end}")
                    found, reference = [_told(await ask(each)) for each in asked]
                    expect(found == reference, "the status or the headers tell that it exists")


def _told(answer: Answer) -> tuple[int, str, list[str]]:
    """What a refusal tells: its status, its media type, and which headers it has."""
    return answer.status_code, media_type(answer), sorted({name.lower() for name in answer.headers})


def _account(subject: Subject) -> str:
    return _path(subject.reader)


def _path(reader: Reader) -> str:
    contact, account = map(numbers.id_segment, (reader.contact_id, reader.account_id))
    return f"/v1/contacts/{contact}/accounts/{account}"


def _invoices(subject: Subject) -> str:
    return f"{_account(subject)}/invoices"


def _plain_number(subject: Subject) -> str:
    plain = [invoice.number for invoice in subject.invoices if numbers.is_plain(invoice.number)]
    if not plain:
        raise NothingToCheck("the account has no invoice with a number of letters and digits")
    return plain[0]


def _json(answer: Answer) -> object:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError):
        raise PortalBroken("the body is not JSON") from None


def _number_of(body: object) -> str:
    return str(body.get("number")) if isinstance(body, dict) else ""


def _items(body: object) -> list[str]:
    items = body.get("items") if isinstance(body, dict) else None
    return [_number_of(item) for item in items] if isinstance(items, list) else []
