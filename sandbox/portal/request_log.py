"""What was asked of the portal: never a body, so never an email."""

from collections import Counter, deque
from dataclasses import dataclass

LONGEST_LOG = 10_000


@dataclass(frozen=True)
class LoggedRequest:
    """One request to the API. `path` is as sent, still encoded; `status` 0 is a connection closed without one."""

    method: str
    path: str
    query: str
    endpoint: str
    status: int
    milliseconds: float


class RequestLog:
    """The newest requests, and a count per endpoint since the last `clear()`."""

    def __init__(self) -> None:
        self.entries: deque[LoggedRequest] = deque(maxlen=LONGEST_LOG)
        self.counts: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """All requests since the last `clear()`: what "one portal round trip" is asserted on."""
        return self.counts.total()

    def add(self, request: LoggedRequest) -> None:
        self.entries.append(request)
        self.counts[request.endpoint] += 1

    def clear(self) -> None:
        self.entries.clear()
        self.counts.clear()


def endpoint_name(path: str) -> str:
    """`contacts/search`, `contact`, `orders`, `order`, `invoices`, `invoice`, `pdf`, `links`, `events`, or `other`."""
    match path.strip("/").split("/"):
        case ["v1", "contacts", "search"]:
            return "contacts/search"
        case ["v1", "contacts", _]:
            return "contact"
        case ["v1", "contacts", _, "accounts", _, "orders" | "invoices" as listed]:
            return listed
        case ["v1", "contacts", _, "accounts", _, "orders" | "invoices" as listed, _]:
            return listed.removesuffix("s")
        case ["v1", "contacts", _, "accounts", _, "invoices", _, "pdf"]:
            return "pdf"
        case ["v1", "links" | "events" as name]:
            return name
        case _:
            return "other"
