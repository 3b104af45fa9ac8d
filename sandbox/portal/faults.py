"""What can go wrong between a bot and a portal, switched on per path and for as long as wanted."""

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase


class FaultKind(StrEnum):
    """What the portal does instead of its answer, or to it."""

    DROP = "drop"  # the connection is closed without a word
    CUT = "cut"  # the answer stops halfway and the connection is closed
    SLOW = "slow"  # waits `seconds`, then goes on
    UNAVAILABLE = "unavailable"  # 503
    SERVER_ERROR = "server_error"  # 500
    TOO_MANY = "too_many"  # 429 with Retry-After
    UNAUTHORISED = "unauthorised"  # 401
    NOT_READY = "not_ready"  # 409 with Retry-After
    MALFORMED_JSON = "malformed_json"  # 200, application/json, not JSON
    WRONG_TYPE = "wrong_type"  # the right body as `content_type`
    PDF_EMPTY = "pdf_empty"  # 200, application/pdf, no byte
    PDF_CORRUPT = "pdf_corrupt"  # 200, application/pdf, not a PDF
    PDF_TRUNCATED = "pdf_truncated"  # 200, the first half of the PDF, and no more is promised
    PDF_HTML = "pdf_html"  # 200, text/html: the sign-in page of the portal
    PDF_HUGE = "pdf_huge"  # 200, application/pdf, `megabytes` long
    GZIP_BOMB = "gzip_bomb"  # 200, JSON that is `megabytes` long once decompressed
    JSON_ENDLESS = "json_endless"  # 200, `megabytes` of JSON, no length declared
    JSON_DEEP = "json_deep"  # 200, lists a hundred thousand deep
    PROXY_PAGE = "proxy_page"  # `status` with a reverse proxy's HTML page
    ODD_CONTACT = "odd_contact"  # the right contacts with odd fields, and an account that cannot be read
    UNREADABLE_CONTACT = "unreadable_contact"  # the right contacts without their ids
    ANOTHER_NUMBER = "another_number"  # the right papers under other numbers
    ANOTHER_ACCOUNT = "another_account"  # the right papers, which say that they are another account's


@dataclass
class Fault:
    """One fault. `path` is a pattern (`*` also spans `/`) for the encoded path; `times` None is until cleared."""

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
    fault_id: int = field(default=0, init=False)

    def matches(self, method: str, path: str) -> bool:
        return self.method in (None, method) and fnmatchcase(path, self.path)


class FaultBoard:
    """The faults that are on, in the order they were set."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._last_id = 0

    def set(self, fault: Fault) -> Fault:
        """Switches a fault on and gives it its id; raises ValueError when it could never strike."""
        if fault.times is not None and fault.times < 1:
            raise ValueError("a fault strikes at least once")
        self._last_id += 1
        fault.fault_id = self._last_id
        self._faults.append(fault)
        return fault

    def clear(self, fault_id: int | None = None) -> None:
        """Switches off one fault, or all."""
        self._faults = [f for f in self._faults if fault_id not in (None, f.fault_id)]

    def all(self) -> list[Fault]:
        return list(self._faults)

    def strike(self, method: str, path: str) -> list[Fault]:
        """What befalls this request: the delays that match, then the first other fault. Uses up their counts."""
        struck: list[Fault] = []
        for fault in self._faults:
            if not fault.matches(method, path):
                continue
            struck.append(fault)
            if fault.kind is not FaultKind.SLOW:
                break
        for fault in struck:
            if fault.times is not None:
                fault.times -= 1
        self._faults = [f for f in self._faults if f.times != 0]
        return sorted(struck, key=lambda f: f.kind is not FaultKind.SLOW)
