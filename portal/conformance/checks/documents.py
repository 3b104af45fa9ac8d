"""The checks of PDFs: whole, of the invoice that was asked for, and told apart by their ETags."""

import asyncio
import re
from io import BytesIO

from pypdf import PdfReader

from portal.client import Reader
from portal.conformance.check import (
    Check,
    NothingToCheck,
    NotTested,
    PromiseBroken,
    Subject,
    expect,
    expect_error,
    random_word,
    register_in,
)
from portal.conformance.contents import PDF_LIMIT, spread
from portal.errors import NotReady, TooLarge
from portal.models import Pdf

DOCUMENT_CHECKS: list[Check] = []
_check = register_in(DOCUMENT_CHECKS)
_MOST_PAUSES = 5
_LONGEST_PAUSE = 9.0
_USUAL_PAUSE = 2.0
"""Seconds; as the chat, a check waits up to 45 s for a PDF that is being made."""
_COMPARED = 3
_MOST_PAGES = 3
_LARGEST_READ = 5 * 1024 * 1024
_SHORTEST_NUMBER = 4
"""A shorter number stands in a text by chance."""


async def read_pdf(subject: Subject, reader: Reader, number: str, known_etag: str | None = None) -> Pdf | None:
    """Read a PDF as ``Portal.invoice_pdf`` does, and wait while it is being made."""
    for _ in range(_MOST_PAUSES):
        try:
            return await subject.portal.invoice_pdf(
                reader, number, language="fr", known_etag=known_etag, limit=PDF_LIMIT
            )
        except NotReady as error:
            subject.pauses.append(error.retry_after)
            await asyncio.sleep(_USUAL_PAUSE if error.retry_after is None else min(error.retry_after, _LONGEST_PAUSE))
    return await subject.portal.invoice_pdf(reader, number, language="fr", known_etag=known_etag, limit=PDF_LIMIT)


@_check
async def pdf(subject: Subject) -> None:
    """An invoice's PDF is a whole PDF with an ETag, which the portal then takes for unchanged."""
    number = subject.first_invoice().number
    first = await read_pdf(subject, subject.reader, number)
    expect(first is not None, "no PDF came")
    assert first is not None
    if first.etag is None:
        raise PromiseBroken("there is no ETag: every PDF is fetched and sent anew")
    again = await read_pdf(subject, subject.reader, number, first.etag)
    expect(again is None, "the same PDF has another ETag at once")
    short = subject.portal.invoice_pdf(subject.reader, number, language="fr", limit=len(first.content) - 1)
    await expect_error(short, (TooLarge,), "it is longer than it was allowed to be")


@_check
async def other_etags(subject: Subject) -> None:
    """A PDF comes where the known ETag is not its own: an unknown one, or another invoice's."""
    number = subject.first_invoice().number
    unknown = await read_pdf(subject, subject.reader, number, f'"{random_word()}"')
    expect(unknown is not None, "an unknown ETag counts as unchanged")
    for other in [each.number for each in subject.invoices if each.number != number][:1]:
        of_other = await read_pdf(subject, subject.reader, other)
        if unknown and of_other and of_other.etag not in (None, unknown.etag):
            found = await read_pdf(subject, subject.reader, number, of_other.etag)
            expect(found is not None, "another invoice's ETag counts as unchanged")


@_check
async def pdf_of_the_invoice(subject: Subject) -> None:
    """Each invoice has a PDF of its own, with its number in the text."""
    subject.first_invoice()
    chosen = spread(list(dict.fromkeys(invoice.number for invoice in subject.invoices)), _COMPARED)
    contents: dict[str, bytes] = {}
    for number in chosen:
        found = await read_pdf(subject, subject.reader, number)
        expect(found is not None, "no PDF came")
        contents[number] = found.content if found else b""
    expect(len(set(contents.values())) == len(contents), "two invoices have the same PDF")
    texts = {number: await asyncio.to_thread(_text_of, content) for number, content in contents.items()}
    readable = {number: text for number, text in texts.items() if text}
    known = {invoice.number for each in (*subject.own, *subject.others) for invoice in each.invoices}
    without = {number: text for number, text in readable.items() if _letters(number) not in text}
    named_another = any(
        _letters(other) in text
        for number, text in without.items()
        for other in known - {number}
        if len(_letters(other)) >= _SHORTEST_NUMBER
    )
    expect(not named_another, "a PDF has the number of another invoice, and not its own")
    if len(without) == len(readable):
        raise NotTested("the PDFs' texts cannot be read, or have no number: whose they are could not be told")
    expect(not without, "a PDF does not have its invoice's number, as others do")


def _text_of(content: bytes) -> str:
    """Return the letters and digits of a PDF's first pages; empty where they cannot be read."""
    if len(content) > _LARGEST_READ:
        return ""
    try:
        return _letters("".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages[:_MOST_PAGES]))
    except Exception:  # pypdf has exceptions of its own, and damaged PDFs raise any other
        return ""


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()


@_check
async def pdf_being_made(subject: Subject) -> None:
    """A PDF that is being made is 409 with Retry-After, and comes then."""
    if not subject.invoices:
        raise NothingToCheck("the account has no invoice")
    if not subject.pauses:
        raise NotTested("no PDF was being made; one that takes long could not be tested either")
    expect(None not in subject.pauses, "there is no Retry-After")
