"""How a portal answers a call: what a stranger could tell one refusal from another by."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TypeVar

from portal.client import Portal, Reader
from portal.conformance.contents import PDF_LIMIT
from portal.errors import NotFound, PortalError
from portal.models import Status

Call = Callable[[], Awaitable[object]]

T = TypeVar("T")

_AT_ONCE = 4
_ROUNDS = 5
_SLOWER = 5
"""How many times longer a median is, where the difference is certain even over a slow network."""
_LEAST_SECONDS = 0.05
_STATUS = re.compile(r"HTTP \d{3}")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came.

    Attributes:
        kind: The type of the exception and its HTTP status; ``an answer`` where none was raised.
        found: What was answered.
    """

    kind: str
    found: object = None

    @property
    def is_answer(self) -> bool:
        """Whether the call was answered."""
        return self.kind == _ANSWER

    @property
    def is_not_found(self) -> bool:
        """Whether there is no such thing."""
        return self.kind.startswith(NotFound.__name__)


_ANSWER = "an answer"


async def reply_to(call: Awaitable[object]) -> Reply:
    """Await a call, and return how it was answered."""
    try:
        return Reply(_ANSWER, await call)
    except PortalError as error:
        status = _STATUS.search(str(error))
        return Reply(", ".join([type(error).__name__, *([status[0]] if status else [])]))


def every_call(portal: Portal, reader: Reader, order: str, invoice: str, etag: str | None = None) -> dict[str, Call]:
    """Return each call about an account, by the name that a report gives it.

    Args:
        portal: The portal.
        reader: The contact and the account.
        order: The number of an order.
        invoice: The number of an invoice.
        etag: The known ETag of its PDF, for one more call.
    """
    pdf = partial(portal.invoice_pdf, reader, invoice, language="fr", limit=PDF_LIMIT)

    async def summary() -> object:
        found = await portal.invoice_summary(reader)
        if found is None:
            raise NotFound("summary")
        return found

    return {
        "the list of orders": partial(portal.orders, reader, page=1, page_size=10),
        "a search of orders": partial(portal.orders, reader, page=1, page_size=10, query=order),
        "an order": partial(portal.order, reader, order),
        "the list of invoices": partial(portal.invoices, reader, page=1, page_size=10),
        "a search of invoices": partial(portal.invoices, reader, page=1, page_size=10, query=invoice),
        "the list of paid invoices": partial(portal.invoices, reader, page=1, page_size=10, status=Status.PAID),
        "the list of an order's invoices": partial(portal.invoices, reader, page=1, page_size=10, order=order),
        "an invoice": partial(portal.invoice, reader, invoice),
        "a PDF": pdf,
        **({"a PDF with a known ETag": partial(pdf, known_etag=etag)} if etag else {}),
        "the summary": summary,
    }


async def differs_in_time(one: Callable[[], Call], other: Callable[[], Call]) -> bool:
    """Whether a call clearly takes longer than another, or shorter: five times, and by 50 ms, in two series.

    Args:
        one: Makes the call, a new one each time.
        other: Likewise.
    """
    first = await _difference(one, other)
    return first != 0 and await _difference(one, other) == first


async def _difference(one: Callable[[], Call], other: Callable[[], Call]) -> int:
    """Compare the medians of a series of calls, made in turn: 1, -1, or 0 where the difference is not clear."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS):
        for made, seconds in zip((one, other), times, strict=True):
            seconds.append(await _seconds(made()))
    fast, slow = sorted(map(median, times))
    if slow < _SLOWER * fast or slow - fast < _LEAST_SECONDS:
        return 0
    return 1 if median(times[0]) == slow else -1


async def _seconds(call: Call) -> float:
    started = time.perf_counter()
    await reply_to(call())
    return time.perf_counter() - started


async def few_at_once(calls: Sequence[Awaitable[T]]) -> list[T]:
    """Await calls, four at once, so that a check of a slow portal takes no minutes.

    Raises:
        Exception: the first one of a call; those after its batch are not started.
    """
    answers: list[T] = []
    waiting = list(calls)
    try:
        while waiting:
            batch, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
            for answer in await asyncio.gather(*batch, return_exceptions=True):
                if isinstance(answer, BaseException):
                    raise answer
                answers.append(answer)
    finally:
        for call in waiting:
            if isinstance(call, Coroutine):
                call.close()
    return answers
