"""The files of a pack: their names, captions and contents."""

import datetime
import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from portal.models import Invoice
from services.account.paper_filters import InvoiceFilter
from services.packs.archives import Part, ZipPart, temporary_file
from services.packs.reports import PackFile
from services.packs.selection import PackFormat, Selection
from services.packs.statements.facts import facts_of, months_text, selection_text, statement_of
from texts.catalogue import Texts, message_id

if TYPE_CHECKING:
    from services.packs.statements.facts import Statement

_NAMES = {
    InvoiceFilter.OVERDUE: message_id("pack.name_overdue"),
    InvoiceFilter.CANCELLED: message_id("pack.name_cancelled"),
    InvoiceFilter.CREDIT_NOTES: message_id("pack.name_credit_notes"),
}
_ENDINGS = {
    PackFormat.ZIP: "zip",
    PackFormat.MERGED: "pdf",
    PackFormat.XLSX: "xlsx",
    PackFormat.CSV: "csv",
}


class Request(Struct, frozen=True):
    """What files are made for: the account, the selection and the reader's language."""

    t: Texts
    account: str
    company: str
    selection: Selection
    format: PackFormat
    now: datetime.datetime
    """In the company's time zone."""


def new_part(chosen: PackFormat) -> Part:
    """Open a new file for PDFs."""
    if chosen is PackFormat.ZIP:
        return ZipPart(temporary_file())
    from services.packs.merging import MergedPart

    return MergedPart(temporary_file())


def describe_part(request: Request, numbers: Sequence[str], part: int, *, is_only: bool) -> tuple[str, tuple[str, ...]]:
    """Return the file name and the caption of a part with the PDFs of ``numbers``; parts count from 1."""
    t, count = request.t, len(numbers)
    name = file_stem(t, request.selection, t("pack.name_invoices"))
    name += f".{_ENDINGS[request.format]}" if is_only else f"-{part}.{_ENDINGS[request.format]}"
    counted = t.plural("pack.pdfs", count) if is_only else t.plural("pack.part", count, part=str(part))
    lines = [title(request), counted]
    if count > 1:
        lines.append(t("pack.from_to", first=numbers[0], last=numbers[-1]))
    return name, tuple(lines)


def make_sheet(request: Request, invoices: Sequence[Invoice]) -> PackFile:
    """Make the spreadsheet. Call it in a thread: a thousand invoices take 0.2 s of CPU in XLSX."""
    from services.packs.spreadsheets import write_csv, write_xlsx

    file, t, today = temporary_file(), request.t, request.now.date()
    if request.format is PackFormat.CSV:
        write_csv(file, t, invoices, today)
    else:
        write_xlsx(file, t, request.account, invoices, today)
    file.seek(0)
    stem = file_stem(t, request.selection, t("pack.name_invoices"))
    name = f"{stem}.{_ENDINGS[request.format]}"
    facts = facts_of(t, _statement(request, invoices))
    return PackFile(name, (title(request), t.plural("pack.count", len(invoices)), *facts), content=file)


def make_picture(request: Request, invoices: Sequence[Invoice]) -> PackFile:
    """Make the picture of the statement, with the same facts as its caption. Call it in a thread."""
    from services.packs.statements.picture import DARK, LIGHT, draw_picture

    t, statement = request.t, _statement(request, invoices)
    file = temporary_file()
    file.write(draw_picture(t, statement, DARK if request.format is PackFormat.DARK_PICTURE else LIGHT))
    file.seek(0)
    name = file_stem(t, request.selection, t("pack.name_statement")) + ".png"
    caption = (title(request), t.plural("pack.count", len(invoices)), *facts_of(t, statement))
    return PackFile(name, caption, is_picture=True, content=file)


def make_statement(request: Request, invoices: Sequence[Invoice]) -> PackFile:
    """Make the statement as PDF, with the months of the picture as its caption. Call it in a thread."""
    from services.packs.statements.pdf import write_statement

    t, file, statement = request.t, temporary_file(), _statement(request, invoices)
    write_statement(file, t, statement, request.now)
    file.seek(0)
    name = file_stem(t, request.selection, t("pack.name_statement")) + ".pdf"
    return PackFile(name, (title(request), *months_text(t, statement)), content=file)


def _statement(request: Request, invoices: Sequence[Invoice]) -> "Statement":
    return statement_of(request.t, request.account, request.company, request.selection, invoices, request.now.date())


def made_of(request: Request, invoices: Sequence[Invoice]) -> str:
    """Return a digest of all that the files are made of, besides the PDFs themselves."""
    facts: list[object] = [request.format, request.t.language, request.selection.as_json()]
    facts += [request.account, request.company]
    if not request.format.has_pdfs:
        facts.append(request.now.date().isoformat())  # what is overdue
    digest = hashlib.sha256(json.dumps(facts).encode())
    for invoice in invoices:
        digest.update(invoice.model_dump_json().encode())
    return digest.hexdigest()


def title(request: Request) -> str:
    """Return the first line of a caption: the account, and what was selected."""
    return f"{request.account} · {selection_text(request.t, request.selection)}"


def file_stem(t: Texts, selection: Selection, what: str) -> str:
    """Return a file name without its ending, such as ``Factures-2025`` or ``Factures-2025-03-a-2025-06``."""
    since, until = selection.since, selection.until
    parts = [what]
    if selection.unpaid or selection.paid:
        parts.append(t("pack.name_unpaid") if selection.unpaid else t("pack.name_paid"))
    if selection.only:
        parts.append(t(_NAMES[selection.only]))
    if since and until and (since.month, since.day, until.month, until.day, since.year) == (1, 1, 12, 31, until.year):
        parts.append(str(since.year))
    else:
        parts += [day.isoformat() for day in (since, until) if day]
    return "-".join(parts)
