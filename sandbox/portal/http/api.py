"""The portal's API, version 1, in the order of the contract's table."""

import asyncio
import re
from datetime import date
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, BeforeValidator

from sandbox.portal.contract import Contact, Contacts, Events, Invoice, Links, Order, Page, Summaries
from sandbox.portal.data.folding import search_words
from sandbox.portal.data.money import Language
from sandbox.portal.data.tables import AccountRow
from sandbox.portal.http.feed_tampering import CURSOR_MARK
from sandbox.portal.http.parameters import Segment, ThePortal
from sandbox.portal.http.problems import Problem
from sandbox.portal.pdf.facts import invoice_facts
from sandbox.portal.pdf.words import words_in
from sandbox.portal.records import queries
from sandbox.portal.records.feed import CursorTooOld, CursorUnreadable, read_events
from sandbox.portal.records.queries import InvoiceFilter, Paging

router = APIRouter(prefix="/v1")

MOST_EVENTS = 1000


def _absent_when_empty(value: object) -> object:
    return None if value == "" else value


def _iso_date(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("a date is written like 2020-09-28")
    return value


async def _paging(page: Annotated[int, Query(ge=1)] = 1, page_size: Annotated[int, Query(ge=1, le=100)] = 10) -> Paging:
    return Paging(page, page_size)


SearchText = Annotated[str, Query(max_length=500)]
Day = Annotated[date | None, BeforeValidator(_iso_date), BeforeValidator(_absent_when_empty)]
Status = Annotated[Literal["paid", "unpaid"] | None, BeforeValidator(_absent_when_empty)]
AskedLanguage = Annotated[Language | None, BeforeValidator(_absent_when_empty)]
ThePaging = Annotated[Paging, Depends(_paging)]


async def _language(language: AskedLanguage = None) -> None:
    """Accept the reader's language. The sandbox's texts have one language each, so it changes nothing."""
    _ = language


IN_A_LANGUAGE = [Depends(_language)]


class EmailSearch(BaseModel):
    email: str


@router.post("/contacts/search")
async def search_contacts(portal: ThePortal, wanted: EmailSearch) -> Contacts:
    with portal.database.session() as session:
        return Contacts(items=queries.find_contacts(session, wanted.email))


@router.get("/contacts/{contact_id}")
async def read_contact(portal: ThePortal, contact_id: Segment) -> Contact:
    with portal.database.session() as session:
        return queries.read_contact(session, contact_id)


@router.get("/contacts/{contact_id}/accounts/{account_id}/orders", dependencies=IN_A_LANGUAGE)
async def list_orders(
    portal: ThePortal,
    contact_id: Segment,
    account_id: Segment,
    paging: ThePaging,
    query: SearchText = "",
    number: SearchText = "",
) -> Page[Order]:
    with portal.database.session() as session:
        access = queries.open_account(session, contact_id, account_id, "orders")
        words = _search_words(number, query)
        return queries.page_of_orders(session, access, words, number or None, paging, portal.portal_url)


@router.get("/contacts/{contact_id}/accounts/{account_id}/orders/{number}", dependencies=IN_A_LANGUAGE)
async def read_order(portal: ThePortal, contact_id: Segment, account_id: Segment, number: Segment) -> Order:
    with portal.database.session() as session:
        access = queries.open_account(session, contact_id, account_id, "orders")
        return queries.read_order(session, access, number, portal.portal_url)


@router.get("/contacts/{contact_id}/accounts/{account_id}/invoices", dependencies=IN_A_LANGUAGE)
async def list_invoices(
    portal: ThePortal,
    contact_id: Segment,
    account_id: Segment,
    paging: ThePaging,
    query: SearchText = "",
    number: SearchText = "",
    order: str = "",
    status: Status = None,
    first_day: Annotated[Day, Query(alias="from")] = None,
    last_day: Annotated[Day, Query(alias="to")] = None,
) -> Page[Invoice]:
    wanted = InvoiceFilter(_search_words(number, query), number or None, order or None, status, first_day, last_day)
    with portal.database.session() as session:
        access = queries.open_account(session, contact_id, account_id, "invoices")
        return queries.page_of_invoices(session, access, wanted, paging, portal.portal_url)


@router.get("/contacts/{contact_id}/accounts/{account_id}/invoices/summary", dependencies=IN_A_LANGUAGE)
async def summarise_invoices(portal: ThePortal, contact_id: Segment, account_id: Segment) -> Summaries:
    with portal.database.session() as session:
        queries.open_account(session, contact_id, account_id, "invoices")
        return Summaries(items=queries.summaries(session, account_id, portal.today()))


@router.get("/contacts/{contact_id}/accounts/{account_id}/invoices/{number}", dependencies=IN_A_LANGUAGE)
async def read_invoice(portal: ThePortal, contact_id: Segment, account_id: Segment, number: Segment) -> Invoice:
    with portal.database.session() as session:
        queries.open_account(session, contact_id, account_id, "invoices")
        row = queries.read_invoice(session, account_id, number)
        return queries.invoice_as_sent(row, portal.portal_url)


@router.get("/contacts/{contact_id}/accounts/{account_id}/invoices/{number}/pdf")
async def read_invoice_pdf(
    portal: ThePortal,
    contact_id: Segment,
    account_id: Segment,
    number: Segment,
    language: AskedLanguage = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Return the PDF, by default in the contact's language."""
    with portal.database.session() as session:
        queries.open_account(session, contact_id, account_id, "invoices")
        row = queries.read_invoice(session, account_id, number)
        account = session.get_one(AccountRow, account_id)
        facts = invoice_facts(account, row, language or queries.read_contact(session, contact_id).language)
    headers = {"ETag": facts.etag, "Cache-Control": "private, no-cache"}
    if if_none_match and _lists_tag(if_none_match, facts.etag):
        return Response(status_code=304, headers=headers)
    content = await asyncio.to_thread(portal.printer.print, facts)
    name = f"{words_in(facts.language).invoice}-{number}.pdf"
    headers["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(name, safe='')}"
    return Response(content, media_type="application/pdf", headers=headers)


@router.get("/links")
async def list_links(portal: ThePortal, language: AskedLanguage = None) -> Links:
    with portal.database.session() as session:
        return Links(items=queries.menu(session, language or "fr", portal.portal_url))


@router.get("/events")
async def list_events(
    portal: ThePortal, after: str = "", limit: Annotated[int, Query(ge=1, le=MOST_EVENTS)] = 100
) -> Events:
    portal.report_endings()
    with portal.database.session() as session:
        try:
            return read_events(session, after.partition(CURSOR_MARK)[0], limit)
        except CursorTooOld:
            raise Problem(410, "The cursor is too old: start again without one.") from None
        except CursorUnreadable:
            raise Problem(422, "The cursor was not issued by this portal.") from None


def _search_words(number: str, query: str) -> list[str]:
    """Return the words to search for. A number is an exact match, so the query is ignored beside it."""
    return [] if number else search_words(query)


def _lists_tag(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match header lists the tag, by weak comparison (RFC 9110, section 13.1.2)."""
    listed = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in listed or etag in listed
