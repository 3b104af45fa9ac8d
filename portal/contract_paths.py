"""The promises about paths and refusals, asked of a portal over raw HTTP, as the bot itself never would."""

import json
from collections.abc import Awaitable, Callable

import httpx

from portal import numbers
from portal.calling import Answer, HttpClient, connected, is_problem
from portal.contract import Check, Finding, NothingThere, NotKept, Subject, Untold, expect, finding, unguessable
from portal.errors import PortalBroken

Ask = Callable[[str], Awaitable[Answer]]

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
"""Encoded ways around to an own invoice. Whoever opens them opens another customer's too."""


async def check_paths(url: str, token: str, subject: Subject) -> list[Finding]:
    """The findings about a portal's paths and refusals, and about what stands in front of it.

    Args:
        url: The portal's base URL.
        token: Its bearer token.
        subject: Whom it is checked with, after ``prepare``.
    """
    client = HttpClient(url, {"Authorization": f"Bearer {token}", "Accept": "application/json"})

    async def ask(path: str) -> Answer:
        async with connected("raw call"):
            return await client.request("GET", path)

    checks = [
        Check("A proxy in front must not decode or fold paths", lambda subject: _folded(ask, subject)),
        Check("A 404 is application/problem+json", lambda subject: _refused(ask, subject)),
        Check("An invoice's answer has the number that was asked for", lambda subject: _numbered(ask, subject)),
        Check("Lists are filtered by ?number=", lambda subject: _by_number(ask, subject)),
    ]
    try:
        return [await finding(check, subject) for check in checks]
    finally:
        await client.aclose()


async def _folded(ask: Ask, subject: Subject) -> None:
    number = _plain_number(subject)
    for detour in _DETOURS:
        answer = await ask(f"{_invoices(subject)}/{detour.format(number=number)}")
        expect(answer.status_code != httpx.codes.OK, f"a detour to an own invoice opens it: …/invoices/{detour}")


async def _refused(ask: Ask, subject: Subject) -> None:
    for path in (
        f"/v1/contacts/{unguessable()}",
        f"{_invoices(subject)}/{unguessable()}",
        f"{_invoices(subject)}/{unguessable()}/pdf",
        f"{_account(subject)}/orders/{unguessable()}",
    ):
        answer = await ask(path)
        if answer.status_code == httpx.codes.NOT_FOUND and not is_problem(answer):
            raise NotKept("one has another type, and is taken for a proxy's: asked again, and never believed")


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
    none = _items(_json(await ask(f"{_invoices(subject)}?number={unguessable()}&page_size=100")))
    if items != [number] or none:
        raise Untold("a number that a proxy may read as a path is searched with ?query=, and often not found")


def _account(subject: Subject) -> str:
    contact, account = map(numbers.id_segment, (subject.reader.contact_id, subject.reader.account_id))
    return f"/v1/contacts/{contact}/accounts/{account}"


def _invoices(subject: Subject) -> str:
    return f"{_account(subject)}/invoices"


def _plain_number(subject: Subject) -> str:
    plain = [invoice.number for invoice in subject.invoices if numbers.is_plain(invoice.number)]
    if not plain:
        raise NothingThere("the account has no invoice with a number of letters and digits")
    return plain[0]


def _json(answer: Answer) -> object:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError):
        raise PortalBroken("what came is no JSON") from None


def _number_of(body: object) -> str:
    return str(body.get("number")) if isinstance(body, dict) else ""


def _items(body: object) -> list[str]:
    items = body.get("items") if isinstance(body, dict) else None
    return [_number_of(item) for item in items] if isinstance(items, list) else []
