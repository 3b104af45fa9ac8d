"""Parts of packs: zip and merged PDF, their size, and PDFs that cannot be merged."""

import datetime
import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import BinaryIO

import pytest
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter

from services.packs.archives import PART_BYTES, Part, Unusable, ZipPart, temporary_file
from services.packs.merging import MergedPart
from services.packs.selection import Selection
from services.packs.statements.facts import statement_of
from texts.catalogue import texts_in
from texts.language import Language


@pytest.fixture
def new_part() -> Iterator[Callable[[Callable[[BinaryIO], Part]], Part]]:
    """Open parts, and close them at the end."""
    with ExitStack() as stack:

        def make(factory: Callable[[BinaryIO], Part]) -> Part:
            part = factory(temporary_file())
            stack.callback(part.close)
            return part

        yield make


NewPart = Callable[[Callable[[BinaryIO], Part]], Part]
FACTORIES: list[Callable[[BinaryIO], Part]] = [ZipPart, MergedPart]


def a_pdf(text: str, pages: int = 1, *, password: str = "") -> bytes:
    pdf = FPDF()
    for page in range(pages):
        pdf.add_page()
        pdf.set_font("Helvetica")
        pdf.cell(text=f"{text} {page + 1}")
    content = bytes(pdf.output())
    if not password:
        return content
    writer = PdfWriter(clone_from=io.BytesIO(content))
    writer.encrypt(password, algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def compressed(content: bytes) -> bytes:
    """The same PDF with its objects in a stream, and a tree of pages that inherit their size."""
    writer = PdfWriter(clone_from=io.BytesIO(content))
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def test_merged_pdf_has_every_page_and_bookmark(new_part: NewPart) -> None:
    part = new_part(MergedPart)
    for number in range(5):
        part.add(f"Facture-{number}.pdf", compressed(a_pdf(f"facture {number} page", pages=number + 1)))
    reader = PdfReader(part.finish(), strict=True)
    texts = [page.extract_text() for page in reader.pages]
    assert texts == [f"facture {number} page {page + 1}" for number in range(5) for page in range(number + 1)]
    assert [str(entry.title) for entry in reader.outline] == [f"Facture-{number}" for number in range(5)]  # type: ignore[union-attr]
    assert [reader.get_destination_page_number(entry) for entry in reader.outline] == [0, 1, 3, 6, 10]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [b"%PDF-1.7\nnothing\n%%EOF", a_pdf("secret", password="x"), a_pdf("cut")[:400] + b"\n%%EOF"],
    ids=["nonsense", "encrypted", "cut"],
)
@pytest.mark.filterwarnings("ignore")
def test_bad_pdf_leaves_the_others(new_part: NewPart, content: bytes) -> None:
    part = new_part(MergedPart)
    part.add("1.pdf", a_pdf("one"))
    with pytest.raises(Unusable):
        part.add("2.pdf", content)
    part.add("3.pdf", a_pdf("three"))
    assert part.count == 2
    assert [page.extract_text() for page in PdfReader(part.finish(), strict=True).pages] == ["one 1", "three 1"]


def test_zip_keeps_equal_names_apart(new_part: NewPart) -> None:
    part = new_part(ZipPart)
    for name in ("Facture-A.pdf", "Facture-a.pdf", "Facture-A.pdf"):
        part.add(name, b"%PDF")
    with zipfile.ZipFile(part.finish()) as archive:
        assert archive.namelist() == ["Facture-A.pdf", "Facture-a (2).pdf", "Facture-A (3).pdf"]


@pytest.mark.parametrize("factory", FACTORIES)
def test_part_ends_below_the_limit(new_part: NewPart, factory: Callable[[BinaryIO], Part]) -> None:
    """50 MB is Telegram's limit; a single PDF of any size has room in an empty part."""
    part = new_part(factory)
    assert part.has_room(PART_BYTES)
    part.add("1.pdf", a_pdf("one"))
    assert part.has_room(PART_BYTES - 1_000_000)
    assert not part.has_room(PART_BYTES)
    assert PART_BYTES < 50_000_000


def test_temporary_file_has_no_name_and_is_private() -> None:
    file = temporary_file()
    state = os.fstat(file.fileno())
    assert state.st_nlink == 0, "kill -9 leaves nothing"
    assert stat.S_IMODE(state.st_mode) == 0o600
    file.close()


@pytest.mark.parametrize("language", Language)
def test_statement_is_drawn_for_any_account(language: Language) -> None:
    """Without invoices, and with a name in letters of other scripts."""
    from services.packs.statements.pdf import write_statement
    from services.packs.statements.picture import DARK, draw_picture

    t = texts_in(language)
    made_at = datetime.datetime(2026, 10, 15, 12, tzinfo=datetime.UTC)
    statement = statement_of(t, "Ζευς საქართველო 東京 \u202e", "Odotrack", Selection(), [], made_at.date())
    file = io.BytesIO()
    write_statement(file, t, statement, made_at)
    text = PdfReader(file).pages[0].extract_text()
    assert t("statement.title") in text
    assert "Ζευς საქართველო ??" in text
    assert draw_picture(t, statement, DARK).startswith(b"\x89PNG")
