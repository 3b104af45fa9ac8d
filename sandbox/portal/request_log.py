"""The log of requests to the portal, without bodies, so without email addresses."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

LONGEST_LOG = 10_000


@dataclass(frozen=True)
class LoggedRequest:
    """One request to the API. `path` is still encoded; `status` 0 means a connection closed without an answer."""

    method: str
    path: str
    query: str
    endpoint: str
    status: int
    milliseconds: float


class RequestLog:
    """The newest requests, and the count per endpoint since the last `clear()`."""

    def __init__(self) -> None:
        self.entries: deque[LoggedRequest] = deque(maxlen=LONGEST_LOG)
        self.counts: Counter[str] = Counter()
        self.on_add: Callable[[LoggedRequest], None] = lambda _request: None
        """Called with each request."""

    @property
    def total(self) -> int:
        """The number of requests since the last `clear()`. Tests count round trips with it."""
        return self.counts.total()

    def add(self, request: LoggedRequest) -> None:
        self.entries.append(request)
        self.counts[request.endpoint] += 1
        self.on_add(request)

    def clear(self) -> None:
        self.entries.clear()
        self.counts.clear()


def endpoint_name(path: str) -> str:
    """Return the endpoint of a path.

    One of `contacts/search`, `contact`, `orders`, `order`, `invoices`, `invoice`, `pdf`, `links`, `events`, `other`.
    """
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
