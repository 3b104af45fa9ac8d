"""Where the PDFs of invoices are: files of a folder, or documents of a web server, by a template of their place."""

import asyncio
import datetime
import hashlib
import os
import re
import stat
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import quote, urlsplit

import httpx

from portal.adapters.urls import is_loopback
from portal.breaker import PortalBreaker
from portal.errors import (
    NotFound,
    NotReady,
    PortalBroken,
    PortalRefused,
    PortalUnavailable,
    TooLarge,
    retry_after,
    status_error,
)
from portal.http_client import (
    PDF_SECONDS,
    PDF_TIMEOUT,
    document_call,
    http_client,
    read_document,
    whole_pdf,
    within_total,
)
from portal.models import Pdf
from portal.sql.inspection import Row

EXPECTED = (
    "expected /folder/{account_id}/{number}.pdf or https://host/{account_id}/{number}.pdf, with {number} or {pdf}"
)
FIELDS = ("account_id", "number", "pdf", "language")
_PLACE = re.compile(r"\{(\w*)\}")
_READY_WITHIN = datetime.timedelta(days=2)
"""How long after an invoice's date its PDF may still be made."""
_WRITING_SECONDS = 60
"""How long after its last change an incomplete file counts as one that is being written."""
_RETRY_SECONDS = 30.0


class PdfSource(Protocol):
    """Where PDFs are read from; ``fields`` are the names in the template of their place."""

    @property
    def fields(self) -> frozenset[str]: ...

    async def read(self, row: Row, language: str, known_etag: str | None, limit: int) -> Pdf | None:
        """Return the PDF of an invoice's row; see ``Papers.invoice_pdf``."""

    async def aclose(self) -> None:
        """Close the connections."""


def check_template(text: str) -> str:
    """Return the template; raise ``ValueError`` for one that is none, or that is one document for all invoices."""
    names = _fields_of(text)
    rest = _PLACE.sub("", text)
    if not names <= set(FIELDS) or "{" in rest or "}" in rest or not {"number", "pdf"} & names:
        raise ValueError(EXPECTED)
    if text.startswith("/"):
        folder = _folder_of(text)
        if ".." in PurePosixPath(rest).parts or len(folder.parts) < 2:
            raise ValueError(EXPECTED)
        return text
    try:
        parts = urlsplit(_PLACE.sub("x", text))
        host = parts.hostname or ""
    except ValueError:
        raise ValueError(EXPECTED) from None
    fixed = text.partition("{")[0]
    is_fixed = fixed.startswith(f"{parts.scheme}://") and "/" in fixed.removeprefix(f"{parts.scheme}://")
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if not host or not is_safe or not is_fixed or parts.username or parts.fragment or not text.isascii():
        raise ValueError(EXPECTED)
    return text


def _fields_of(template: str) -> frozenset[str]:
    return frozenset(_PLACE.findall(template))


def pdf_source(template: str, token: str, breaker: PortalBreaker | None) -> PdfSource:
    """Return the source of a template; an empty one has no PDF.

    Raises:
        ValueError: the template is none, or a token is given where it is not used.
    """
    if not template:
        return _NoPdfs()
    check_template(template)
    if not template.startswith("/"):
        return WebPdfs(template, token, breaker)
    if token:
        raise ValueError("ODOBOT_PORTAL_PDF_TOKEN: expected only with an https:// address in ODOBOT_PORTAL_PDF")
    return FolderPdfs(template)


class _NoPdfs:
    fields: frozenset[str] = frozenset()

    async def read(self, row: Row, language: str, known_etag: str | None, limit: int) -> Pdf | None:  # noqa: ARG002
        raise NotFound("pdf: ODOBOT_PORTAL_PDF is not set")

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    etag: str
    changed_at: float


class FolderPdfs:
    """Reads regular files below the folder of a template, whatever its links lead to."""

    def __init__(self, template: str) -> None:
        self.fields = _fields_of(template)
        self._template = template
        self._folder = _folder_of(template)

    async def read(self, row: Row, language: str, known_etag: str | None, limit: int) -> Pdf | None:
        """See ``PdfSource``. The ETag is of the file's size and of the time of its last change."""
        place = Path(_filled(self._template, row, language, _as_file_name))
        async with within_total("pdf", PDF_SECONDS):
            found = await asyncio.to_thread(self._file, place, known_etag, limit)
        if found is None:
            raise absent(row)
        if not found.content and found.etag == known_etag:
            return None
        try:
            return Pdf(content=whole_pdf("pdf", found.content), etag=found.etag)
        except PortalBroken:
            if time.time() - found.changed_at < _WRITING_SECONDS:
                raise NotReady("pdf: the file is being written", retry_after=_RETRY_SECONDS) from None
            raise

    async def aclose(self) -> None:
        """Nothing is open."""

    def _file(self, place: Path, known_etag: str | None, limit: int) -> _File | None:
        """Read a file, without its content where its ETag is known; None where there is none."""
        try:
            folder = self._folder.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise PortalUnavailable(f"pdf: the folder: {type(error).__name__}") from None
        try:
            resolved = place.resolve(strict=True)
            if not resolved.is_relative_to(folder):
                raise NotFound("pdf: outside of the folder of ODOBOT_PORTAL_PDF")
            # Not to wait for a pipe, and not to follow a link that was put there since.
            descriptor = os.open(resolved, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, RuntimeError, ValueError) as error:
            raise PortalBroken(f"pdf: {type(error).__name__}") from None
        try:
            return self._content(descriptor, known_etag, limit)
        finally:
            os.close(descriptor)

    def _content(self, descriptor: int, known_etag: str | None, limit: int) -> _File:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotFound("pdf: not a file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            etag = f'"{hashlib.sha256(f"{status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:32]}"'
            if etag == known_etag:
                return _File(b"", etag, status.st_mtime)
            if status.st_size > limit:
                raise TooLarge(f"a document of {status.st_size} bytes")
            content = file.read(limit + 1)
        if len(content) > limit:
            raise TooLarge(f"a document over {limit} bytes")
        return _File(content, etag, status.st_mtime)


class WebPdfs:
    """Reads documents of a web server, with a bearer token."""

    def __init__(self, template: str, token: str, breaker: PortalBreaker | None) -> None:
        self.fields = _fields_of(template)
        parts = urlsplit(_PLACE.sub("x", template))
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._template = template.removeprefix(self._origin)
        self._breaker = breaker
        headers = {"Accept": "application/pdf"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._client = http_client(self._origin, headers)

    async def read(self, row: Row, language: str, known_etag: str | None, limit: int) -> Pdf | None:
        """See ``PdfSource``. The ETag is the server's."""
        path = _filled(self._template, row, language, _as_segment)
        headers = {"If-None-Match": known_etag} if known_etag else {}
        async with (
            document_call("pdf", self._breaker),
            self._client.stream("GET", path, headers=headers, timeout=PDF_TIMEOUT) as response,
        ):
            etag = response.headers.get("ETag")
            if known_etag and (response.status_code == httpx.codes.NOT_MODIFIED or etag == known_etag):
                return None
            _check_status(row, response)
            content = await read_document(response, limit)
        return Pdf(content=whole_pdf("pdf", content), etag=etag)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def absent(row: Row) -> NotReady | NotFound:
    """Return the exception for an invoice without a PDF: of a recent invoice, it is still being made."""
    try:
        day = datetime.date.fromisoformat(str(row.get("date"))[:10])
    except ValueError:
        day = datetime.date.min
    if day >= datetime.datetime.now(datetime.UTC).date() - _READY_WITHIN:
        return NotReady("pdf: not there yet", retry_after=_RETRY_SECONDS)
    return NotFound("pdf: there is none of this invoice")


def _check_status(row: Row, response: httpx.Response) -> None:
    match response.status_code:
        case httpx.codes.OK:
            return
        case httpx.codes.NOT_FOUND | httpx.codes.GONE:
            raise absent(row)
        case httpx.codes.ACCEPTED | httpx.codes.CONFLICT | httpx.codes.TOO_EARLY:
            raise NotReady(f"pdf: HTTP {response.status_code}", retry_after=retry_after(response) or _RETRY_SECONDS)
        case httpx.codes.UNAUTHORIZED | httpx.codes.FORBIDDEN:
            raise PortalRefused(f"pdf: HTTP {response.status_code}: ODOBOT_PORTAL_PDF_TOKEN is not the server's")
    raise status_error("pdf", response, {})


def _filled(template: str, row: Row, language: str, quoted: "_Quote") -> str:
    def value(place: re.Match[str]) -> str:
        name = place.group(1)
        text = language if name == "language" else row.get(name)
        if not isinstance(text, str) or not text.strip():
            raise absent(row)
        return quoted(text, may_have_folders=name == "pdf")

    return _PLACE.sub(value, template)


class _Quote(Protocol):
    def __call__(self, text: str, *, may_have_folders: bool) -> str:
        """Return a value as a part of a place; raises ``NotFound`` for one that would lead elsewhere."""


def _as_file_name(text: str, *, may_have_folders: bool) -> str:
    """Keep what a file's name can have; a slash is ``%2F``. ``{pdf}`` may name folders below the template's."""
    _refuse_dots(text)
    return text if may_have_folders else text.replace("%", "%25").replace("/", "%2F").replace("\\", "%5C")


def _as_segment(text: str, *, may_have_folders: bool) -> str:
    _refuse_dots(text)
    return quote(text, safe="/" if may_have_folders else "")


def _refuse_dots(text: str) -> None:
    segments = re.split(r"[/\\]", text)
    has_controls = any(ord(c) < 32 or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in text)
    if has_controls or any(segment and not segment.strip(" .") for segment in segments):
        raise NotFound("pdf: a name that would lead elsewhere")


def _folder_of(template: str) -> Path:
    """Return the folder that no document is outside of: what stands before the first ``{``, up to a slash."""
    return Path(template.partition("{")[0].rpartition("/")[0] or "/")
