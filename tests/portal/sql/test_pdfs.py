"""Where PDFs are read from: never outside of their folder, never another invoice's, and with an ETag."""

import datetime
import os
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from portal.client import Reader
from portal.errors import NotFound, NotReady, PortalBroken, PortalError, PortalRefused, PortalUnavailable, TooLarge
from portal.models import Pdf
from portal.sql.pdf import check_template, pdf_source
from portal.sql.portal import SqlPortal
from tests.portal.sql.company import READER, TREMBLAY, Company, invoice

PDF = b"%PDF-1.7 one %%EOF"
OTHER_PDF = b"%PDF-1.7 another customer's %%EOF"
LIMIT = 10**6
OLD = {"account_id": "10", "number": "N-1", "date": "2019-01-02", "pdf": "a/b.pdf"}


async def read(portal: SqlPortal, number: str, *, known: str | None = None, reader: Reader = READER) -> Pdf | None:
    return await portal.invoice_pdf(reader, number, language="fr", known_etag=known, limit=LIMIT)


async def place(template: str, row: dict[str, Any], *, limit: int = LIMIT, language: str = "fr") -> bytes:
    """Read the document of a row straight from a source."""
    source = pdf_source(template, "", None)
    try:
        found = await source.read(row, language, None, limit)
    finally:
        await source.aclose()
    assert found is not None
    return found.content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of PDFs, beside which is a file that nobody may read."""
    made = tmp_path / "pdf"
    (made / "10").mkdir(parents=True)
    (made / "20").mkdir()
    (made / "10" / "N-1.pdf").write_bytes(PDF)
    (made / "20" / "N-1.pdf").write_bytes(OTHER_PDF)
    (tmp_path / "secret.pdf").write_bytes(OTHER_PDF)
    return made


@pytest.mark.sqlite
async def test_etag_is_of_the_file(company: Company, tmp_path: Path, engine: str) -> None:
    """It is known as long as the file is the same, and another one for another file."""
    (tmp_path / "f" / str(TREMBLAY)).mkdir(parents=True)
    file = tmp_path / "f" / str(TREMBLAY) / "240130.pdf"
    file.write_bytes(PDF)
    portal = company.portal(ODOBOT_PORTAL_PDF=f"{tmp_path}/f/{{account_id}}/{{number}}.pdf")
    first = await read(portal, "240130")
    assert first is not None
    assert (first.content, await read(portal, "240130", known=first.etag)) == (PDF, None)
    file.write_bytes(PDF.replace(b"one", b"two"))
    os.utime(file, (1, 1))
    second = await read(portal, "240130", known=first.etag)
    assert second is not None
    assert second.etag != first.etag


@pytest.mark.parametrize(
    "row",
    [
        {"number": "../20/N-1"},
        {"number": "..\\20\\N-1"},
        {"number": "%2e%2e/20/N-1"},
        {"account_id": ".."},
        {"account_id": "."},
        {"account_id": "../pdf/20"},
        {"account_id": "", "number": "N-1"},
        {"account_id": " .. "},
        {"number": "N-1.pdf\0"},
        {"number": "\ud800"},
        {"number": "x" * 5000},
        {"number": "N-1\n"},
        {"account_id": None},
    ],
    ids=range(13),
)
async def test_no_value_leads_out_of_its_place(folder: Path, row: dict[str, Any]) -> None:
    with pytest.raises((NotFound, PortalBroken)):
        await place(f"{folder}/{{account_id}}/{{number}}.pdf", OLD | row)


@pytest.mark.parametrize(
    "pdf", ["../secret.pdf", "10/../../secret.pdf", "/etc/passwd", "10/../20/N-1.pdf", "..", "link.pdf",
            "up/secret.pdf",
            "fifo", "10", "pipe/../link.pdf", "."],
)  # fmt: skip
async def test_pdf_column_stays_in_the_folder(folder: Path, pdf: str) -> None:
    """Neither dots nor links lead out; what is no file is not read, and nothing waits for a pipe."""
    (folder / "link.pdf").symlink_to(folder.parent / "secret.pdf")
    (folder / "up").symlink_to(folder.parent)
    os.mkfifo(folder / "fifo")
    with pytest.raises((NotFound, PortalBroken)):
        await place(f"{folder}/{{pdf}}", OLD | {"pdf": pdf})


async def test_pdf_column_may_name_folders(folder: Path) -> None:
    """Also through a link inside of the folder, and where the folder itself is a link."""
    (folder / "inside.pdf").symlink_to(folder / "10" / "N-1.pdf")
    (folder.parent / "alias").symlink_to(folder)
    for base in (folder, folder.parent / "alias"):
        for pdf in ("10/N-1.pdf", "inside.pdf"):
            assert await place(f"{base}/{{pdf}}", OLD | {"pdf": pdf}) == PDF


@pytest.mark.parametrize(
    ("number", "name"),
    [("2026/001", "2026%2F001"), ("50%", "50%25"), ("é 1", "é 1"), ("a\\b", "a%5Cb"), ("{language}", "{language}"),
     ("~", "~"),
     ("-rf", "-rf"), ("$HOME", "$HOME"), ("..a", "..a")],
)  # fmt: skip
async def test_name_of_a_file(folder: Path, number: str, name: str) -> None:
    (folder / f"fr-{name}.pdf").write_bytes(PDF)
    assert await place(f"{folder}/{{language}}-{{number}}.pdf", OLD | {"number": number}) == PDF


async def test_file_that_is_not_there_yet(folder: Path) -> None:
    """Of a recent invoice it is being made; of an old one there is none."""
    template = f"{folder}/{{account_id}}/{{number}}.pdf"
    today = datetime.datetime.now(datetime.UTC).date()
    for days, error in ((-30, NotReady), (0, NotReady), (2, NotReady), (3, NotFound), (3000, NotFound)):
        day = today - datetime.timedelta(days=days)
        with pytest.raises(error):
            await place(template, OLD | {"number": "none", "date": day.isoformat()})
    with pytest.raises(NotFound):
        await place(template, OLD | {"number": "none", "date": None})


async def test_file_that_is_being_written(folder: Path) -> None:
    file = folder / "10" / "N-1.pdf"
    file.write_bytes(PDF[:10])
    with pytest.raises(NotReady):
        await place(f"{folder}/10/{{number}}.pdf", OLD)
    os.utime(file, (1, 1))
    with pytest.raises(PortalBroken):
        await place(f"{folder}/10/{{number}}.pdf", OLD)


async def test_file_over_the_limit(folder: Path) -> None:
    with pytest.raises(TooLarge):
        await place(f"{folder}/{{account_id}}/{{number}}.pdf", OLD, limit=len(PDF) - 1)


async def test_folder_that_is_away(tmp_path: Path) -> None:
    """A disk that is not mounted is an outage, not a missing document."""
    with pytest.raises(PortalUnavailable):
        await place(f"{tmp_path}/none/{{number}}.pdf", OLD)


@pytest.mark.sqlite
async def test_place_is_made_of_the_row(company: Company, tmp_path: Path, engine: str) -> None:
    """Not of the number that was asked for, which may be in another case; other customers' are not found."""
    (tmp_path / "F-abc_1.pdf").write_bytes(PDF)
    (tmp_path / "240999.pdf").write_bytes(OTHER_PDF)
    portal = company.portal(ODOBOT_PORTAL_PDF=f"{tmp_path}/{{number}}.pdf")
    found = await read(portal, "f-ABC_1")
    assert found is not None
    for number in ("240999", "../240999", "*"):
        with pytest.raises(NotFound):
            await read(portal, number)
    with pytest.raises(NotFound):
        await read(company.portal(), "240130")


@pytest.mark.parametrize(
    "template",
    [
        "/srv/pdf/{account_id}/{number}.pdf", "/srv/{pdf}", "/srv/pdf/{language}/{number}.pdf",
        "https://files.example.com/{account_id}/{number}.pdf", "https://files.example.com/get?n={number}&l={language}",
        "http://127.0.0.1:8000/{pdf}", "https://files.example.com:8443/{pdf}",
    ],
)  # fmt: skip
def test_templates(template: str) -> None:
    assert check_template(template) == template


@pytest.mark.parametrize(
    "template",
    [
        "", "x", "srv/{number}.pdf", "/{number}.pdf", "/srv/all.pdf", "/srv/{account_id}.pdf",
        "/srv/{contact_id}/{number}",
        "/srv/{number", "/srv/{number!r}", "/srv/../{number}.pdf", "/srv/pdf/{number}/../x", "http://files.example.com/{number}",
        "https://{account_id}.example.com/{number}", "https://{number}/x", "https://user:secret@host/{number}",
        "ftp://h/{number}",
        "https://host{number}/", "https://[::1/{number}", "file:///srv/{number}", "https://host/{number}#x",
        "//host/../{number}",
    ],
)  # fmt: skip
def test_templates_that_are_refused(template: str) -> None:
    with pytest.raises(ValueError, match="expected /folder/") as refused:
        check_template(template)
    assert "secret" not in str(refused.value)


class Files:
    """A web server of PDFs on loopback: what it answers, and what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body = PDF
        self.headers: dict[str, str] = {"ETag": '"1"'}
        self.asked: list[tuple[str, str | None, str | None]] = []
        files = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = self.headers
                files.asked.append((self.path, headers["Authorization"], headers["If-None-Match"]))
                self.send_response(files.status)
                for name, value in files.headers.items():
                    self.send_header(name, value)
                has_body = files.status == 200
                self.send_header("Content-Length", str(len(files.body)) if has_body else "0")
                self.end_headers()
                self.wfile.write(files.body if has_body else b"")

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Print nothing of a client that leaves a body unread."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def files() -> Iterator[Files]:
    files = Files()
    thread = Thread(target=files.server.serve_forever)
    thread.start()
    yield files
    files.server.shutdown()
    thread.join()
    files.server.server_close()


Get = Callable[..., Any]


@pytest.fixture
def get(files: Files) -> Get:
    async def get(row: dict[str, Any] = OLD, known: str | None = None, path: str = "/{account_id}/{number}.pdf") -> Any:
        source = pdf_source(files.url + path, "the-token", None)
        try:
            return await source.read(row, "fr", known, LIMIT)
        finally:
            await source.aclose()

    return get


async def test_document_of_a_web_server(files: Files, get: Get) -> None:
    """The token is sent, values are quoted, and the server's ETag is used both ways."""
    found = await get(
        OLD | {"number": "2026/001 é?#%", "pdf": "a/b c.pdf"}, path="/{account_id}/{number}.pdf?l={language}"
    )
    assert (found.content, found.etag) == (PDF, '"1"')
    assert await get(known='"1"') is None
    files.status = 304
    assert await get(known='"0"') is None
    assert files.asked[0] == ("/10/2026%2F001%20%C3%A9%3F%23%25.pdf?l=fr", "Bearer the-token", None)
    assert files.asked[-1][2] == '"0"'
    files.status = 200
    await get(OLD | {"pdf": "a/b c.pdf"}, path="/{pdf}")
    assert files.asked[-1][0] == "/a/b%20c.pdf"


@pytest.mark.parametrize(
    "row", [{"number": ".."}, {"number": "../20/N-1"}, {"number": "a/../b"}, {"account_id": "..\\x"}]
)
async def test_document_of_another_path(files: Files, get: Get, row: dict[str, Any]) -> None:
    with pytest.raises(NotFound):
        await get(OLD | row)
    assert files.asked == []


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotFound), (410, NotFound), (409, NotReady), (202, NotReady), (401, PortalRefused), (403, PortalRefused),
     (503, PortalUnavailable), (302, PortalBroken), (304, PortalBroken)],
)  # fmt: skip
async def test_errors_of_a_web_server(files: Files, get: Get, status: int, error: type[PortalError]) -> None:
    files.status = status
    with pytest.raises(error) as raised:
        await get()
    assert "the-token" not in str(raised.value)
    assert "N-1" not in str(raised.value)


async def test_bodies_of_a_web_server(files: Files, get: Get) -> None:
    """A page is no PDF; a body over the limit is not read."""
    files.body = b"<html>"
    with pytest.raises(PortalBroken):
        await get()
    files.body = PDF + b" " * LIMIT
    with pytest.raises(TooLarge):
        await get()


def test_token_without_a_web_server() -> None:
    with pytest.raises(ValueError, match="ODOBOT_PORTAL_PDF_TOKEN"):
        pdf_source("/srv/{number}.pdf", "the-token", None)


@pytest.mark.sqlite
async def test_recent_invoice_without_a_file(company: Company, tmp_path: Path, engine: str) -> None:
    today = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"
    await company.add("invoices", invoice(60, TREMBLAY, "new", today, "1.00"))
    portal = company.portal(ODOBOT_PORTAL_PDF=f"{tmp_path}/{{number}}.pdf")
    with pytest.raises(NotReady):
        await read(portal, "new")
