"""Faults between a bot and a portal, set per path and for a number of requests."""

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase


class FaultKind(StrEnum):
    """What the portal sends instead of its answer, or changes in it."""

    DROP = "drop"  # the connection is closed without an answer
    RESET = "reset"  # the connection is reset (RST) without an answer
    CUT = "cut"  # the answer stops halfway and the connection is closed
    SLOW = "slow"  # waits `seconds`, then goes on
    STALL = "stall"  # the answer's head, and after `seconds` its body
    DRIP = "drip"  # the answer's head, then a byte each `seconds`
    UNAVAILABLE = "unavailable"  # 503
    SERVER_ERROR = "server_error"  # 500
    TOO_MANY = "too_many"  # 429 with Retry-After
    UNAUTHORISED = "unauthorised"  # 401
    NOT_READY = "not_ready"  # 409 with Retry-After
    MALFORMED_JSON = "malformed_json"  # 200, application/json, not JSON
    WRONG_TYPE = "wrong_type"  # the right body as `content_type`
    PDF_EMPTY = "pdf_empty"  # 200, application/pdf, no byte
    PDF_CORRUPT = "pdf_corrupt"  # 200, application/pdf, not a PDF
    PDF_TRUNCATED = "pdf_truncated"  # 200, the first half of the PDF, with a matching Content-Length
    PDF_HTML = "pdf_html"  # 200, text/html: the sign-in page of the portal
    PDF_LARGE = "pdf_large"  # 200, a PDF with a scanned page, about `megabytes` long
    PDF_HUGE = "pdf_huge"  # 200, application/pdf, `megabytes` long
    GZIP_BOMB = "gzip_bomb"  # 200, JSON that is `megabytes` long once decompressed
    JSON_ENDLESS = "json_endless"  # 200, `megabytes` of JSON, no length declared
    JSON_DEEP = "json_deep"  # 200, lists a hundred thousand deep
    PROXY_PAGE = "proxy_page"  # `status` with a reverse proxy's HTML page
    LOGIN_PAGE = "login_page"  # 200 with the portal's sign-in page in HTML, whatever was asked for
    REDIRECT = "redirect"  # 302 to the sign-in page
    NOT_FOUND = "not_found"  # 404 of the portal itself: what the feed reported cannot be read yet
    FORBIDDEN = "forbidden"  # 403 of the portal itself
    WRONG_SHAPE = "wrong_shape"  # 200, JSON of another service
    ODD_FIELDS = "odd_fields"  # the right documents: numbers as JSON numbers, dates with times, -0.00, nulls, spaces
    BAD_ROW = "bad_row"  # the right documents, and one more without a number at the begin of a list
    UNCLEAN_ADDRESS = "unclean_address"  # the right contacts, with spaces and a second address in the address field
    NO_ADDITIONS = "no_additions"  # the documents of an older portal: no status, no kind, no payment reference
    PDF_BYTES_AROUND = "pdf_bytes_around"  # the right PDF, a warning before it and a line after it
    ODD_CONTACT = "odd_contact"  # the right contacts with odd fields, and an account that cannot be read
    UNREADABLE_CONTACT = "unreadable_contact"  # the right contacts without their ids
    ANOTHER_NUMBER = "another_number"  # the right documents under other numbers
    ANOTHER_ACCOUNT = "another_account"  # the right documents with the id of another account
    REPLACED = "replaced"  # the right answer, in which `body` replaces the value at `pointer`; empty removes it
    BAD_EVENTS = "bad_events"  # the right events, and before each one of every kind of malformed event
    NUMERIC_EVENTS = "numeric_events"  # the right events, with ids and numbers of digits as numbers
    NO_EVENT_PAGE = "no_event_page"  # an answer of the feed without items; `body` replaces it
    EMPTY_PAGES = "empty_pages"  # a page of the feed without events, and a new cursor each time
    SAME_CURSOR = "same_cursor"  # the first page of the feed again and again: its cursor is the one that was sent
    CURSOR_CYCLE = "cursor_cycle"  # the same page of the feed under two cursors that take turns
    EVENTS_TWICE = "events_twice"  # each event twice, the second time under another id
    EVENTS_REVERSED = "events_reversed"  # the events of a page in the wrong order
    HUGE_PAGE = "huge_page"  # two thousand events in a page of the feed, whatever limit was asked for
    CURSOR_GONE = "cursor_gone"  # 410 for every cursor


@dataclass
class Fault:
    """One fault.

    `path` is a pattern for the encoded path, in which `*` also matches `/`. `times` is the number of requests; None
    means until cleared. `met` counts the requests that had the fault. `pointer` is a JSON pointer (RFC 6901).
    """

    kind: FaultKind
    path: str = "*"
    method: str | None = None
    times: int | None = None
    seconds: float = 1.0
    retry_after: int | None = 1
    content_type: str = "text/html; charset=utf-8"
    megabytes: int = 51
    status: int = 404
    declared_length: bool = True
    body: str = '{"cursor": "c"}'
    pointer: str = ""
    fault_id: int = field(default=0, init=False)
    met: int = field(default=0, init=False)

    def matches(self, method: str, path: str) -> bool:
        return self.method in (None, method) and fnmatchcase(path, self.path)


class FaultBoard:
    """The active faults in the order in which they were set."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._last_id = 0

    def set(self, fault: Fault) -> Fault:
        """Activate a fault and assign its id. Raises ValueError when `times` is below 1."""
        if fault.times is not None and fault.times < 1:
            raise ValueError("a fault's times is at least 1")
        self._last_id += 1
        fault.fault_id = self._last_id
        self._faults.append(fault)
        return fault

    def clear(self, fault_id: int | None = None) -> None:
        """Remove one fault, or all."""
        self._faults = [f for f in self._faults if fault_id not in (None, f.fault_id)]

    def all(self) -> list[Fault]:
        return list(self._faults)

    def take(self, method: str, path: str) -> list[Fault]:
        """Return the faults of a request, and count them: the matching delays, then the first other match."""
        found: list[Fault] = []
        for fault in self._faults:
            if not fault.matches(method, path):
                continue
            found.append(fault)
            if fault.kind is not FaultKind.SLOW:
                break
        for fault in found:
            fault.met += 1
            if fault.times is not None:
                fault.times -= 1
        self._faults = [f for f in self._faults if f.times != 0]
        return sorted(found, key=lambda f: f.kind is not FaultKind.SLOW)
