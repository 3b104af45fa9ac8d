"""The portal's circuit breaker: when it opens, whom it lets through, and when it closes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from portal import breaker as settings
from portal.breaker import Caller, PortalBreaker, caller
from portal.client import Portal, Reader
from portal.errors import NotFound, NotReady, PortalAway, PortalError, PortalUnavailable
from portal.http import HttpPortal
from portal.http_client import with_retries
from portal.tryton.portal import TrytonPortal

OUTAGE = PortalUnavailable("no answer", is_outage=True)
ANSWERS = [None, NotFound("404"), NotReady("409", retry_after=1), PortalUnavailable("429")]


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Calls:
    """A breaker on a fake clock, and calls through it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.crowded = 0
        self.breaker = PortalBreaker(crowded=self._count, clock=self.clock)

    def _count(self) -> None:
        self.crowded += 1

    def make(self, error: BaseException | None = None, *, by: Caller = Caller.PERSON, seconds: float = 0.0) -> None:
        """Make one call that ends after `seconds`, with an error or an answer. Raises only ``PortalAway``."""
        with self.by(by):
            call = self.breaker.call()
            call.__enter__()
            self.clock.now += seconds
            call.__exit__(type(error) if error else None, error, None)

    @contextmanager
    def by(self, by: Caller) -> Iterator[None]:
        token = caller.set(by)
        try:
            yield
        finally:
            caller.reset(token)

    def is_made(self, by: Caller = Caller.PERSON) -> bool:
        """Return whether a call that fails is made."""
        try:
            self.make(OUTAGE, by=by)
        except PortalAway:
            return False
        return True

    def wait(self, count: int, stack: ExitStack, by: Caller = Caller.PERSON) -> None:
        """Begin calls that end with the stack."""
        with self.by(by):
            for _ in range(count):
                stack.enter_context(self.breaker.call())


@pytest.fixture
def calls() -> Calls:
    return Calls()


def opened(calls: Calls) -> None:
    for _ in range(settings.FAILURES):
        calls.make(OUTAGE)
    assert calls.breaker.is_open


def test_failures_in_a_row_open_it(calls: Calls) -> None:
    for _ in range(settings.FAILURES - 1):
        calls.make(OUTAGE)
        assert not calls.breaker.is_open
    calls.make(OUTAGE)
    assert calls.breaker.is_open
    with pytest.raises(PortalAway) as raised:
        calls.make()
    assert (raised.value.retry_after, raised.value.tried_ago) == (settings.FIRST_PAUSE_SECONDS, 0.0)


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_any_answer_between_keeps_it_closed(calls: Calls, answer: PortalError | None) -> None:
    """A 404, 409 or 429 is about one paper or one caller."""
    for _ in range(3 * settings.FAILURES):
        calls.make(OUTAGE)
        calls.make(answer)
    for _ in range(3 * settings.FAILURES):
        calls.make(answer)
    assert not calls.breaker.is_open


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_an_answered_probe_closes_it(calls: Calls, answer: PortalError | None) -> None:
    opened(calls)
    calls.clock.now += settings.FIRST_PAUSE_SECONDS
    calls.make(answer)
    assert not calls.breaker.is_open
    calls.make(OUTAGE)
    assert not calls.breaker.is_open, "failures are counted anew"


def test_probes_have_growing_pauses(calls: Calls) -> None:
    opened(calls)
    pauses, since = [], calls.clock.now
    while len(pauses) < 7:
        calls.clock.now += 0.25
        if calls.is_made():
            pauses.append(calls.clock.now - since)
            since = calls.clock.now
            assert not calls.is_made(), "one probe in each pause"
    assert pauses == [1, 2, 4, 8, 10, 10, 10]


def test_a_hanging_probe_does_not_prevent_the_next(calls: Calls) -> None:
    opened(calls)
    calls.clock.now += settings.FIRST_PAUSE_SECONDS
    with ExitStack() as hanging:
        calls.wait(1, hanging)
        assert not calls.is_made()
        calls.clock.now += 2
        calls.make()
        assert not calls.breaker.is_open


def test_silence_opens_it_for_all_but_the_caller(calls: Calls) -> None:
    """The one who finds the silence is the first probe, so that a chat with a fast account is answered."""
    with ExitStack() as waiting:
        calls.wait(settings.SILENT_CALLS, waiting)
        calls.clock.now += settings.SILENT_SECONDS
        assert calls.is_made()
        assert calls.breaker.is_open
        assert not calls.is_made()
        calls.clock.now += 2
        calls.make()
        assert not calls.breaker.is_open


def test_few_waiting_calls_do_not_open_it(calls: Calls) -> None:
    with ExitStack() as waiting:
        calls.wait(settings.SILENT_CALLS - 1, waiting)
        calls.clock.now += 60
        calls.make()
        assert not calls.breaker.is_open


@pytest.mark.parametrize("by", [Caller.PERSON, Caller.WORKER])
def test_answers_of_others_keep_a_slow_account_apart(calls: Calls, by: Caller) -> None:
    with ExitStack() as slow:
        calls.wait(5 * settings.SILENT_CALLS, slow)
        for _ in range(10):
            calls.clock.now += settings.SILENT_SECONDS - 0.1
            calls.make(by=by)
            assert not calls.breaker.is_open


def test_a_quiet_hour_before_is_no_silence(calls: Calls) -> None:
    calls.make()
    calls.clock.now += 3600
    with ExitStack() as waiting:
        calls.wait(settings.SILENT_CALLS, waiting)
        calls.make(OUTAGE)
        assert not calls.breaker.is_open


def test_the_worker_does_not_open_it_but_closes_it(calls: Calls) -> None:
    for _ in range(3 * settings.FAILURES):
        calls.make(OUTAGE, by=Caller.WORKER)
    with ExitStack() as slow:
        calls.wait(5 * settings.SILENT_CALLS, slow, by=Caller.WORKER)
        calls.clock.now += 60
        calls.make(OUTAGE)
    assert not calls.breaker.is_open
    opened(calls)
    calls.clock.now += settings.FIRST_PAUSE_SECONDS
    calls.make(by=Caller.WORKER)
    assert not calls.breaker.is_open


def test_background_calls_do_not_use_up_the_probe(calls: Calls) -> None:
    assert calls.is_made(by=Caller.BACKGROUND)
    opened(calls)
    calls.clock.now += settings.FIRST_PAUSE_SECONDS
    assert not calls.is_made(by=Caller.BACKGROUND)
    assert calls.is_made()


@pytest.mark.parametrize(("seconds", "opens"), [(0.1, False), (settings.SILENT_SECONDS, True)])
def test_a_call_cancelled_late_is_a_failure(calls: Calls, seconds: float, opens: bool) -> None:
    """A time limit around the call cancels it; a stop cancels early."""
    for _ in range(settings.FAILURES):
        calls.make(asyncio.CancelledError(), seconds=seconds)
    assert calls.breaker.is_open is opens


def test_it_reports_a_crowd_of_people(calls: Calls) -> None:
    with ExitStack() as waiting:
        calls.wait(settings.CROWD, waiting)
        calls.wait(settings.CROWD, waiting, by=Caller.WORKER)
        assert calls.crowded == 0
        calls.wait(3, waiting)
        assert calls.crowded == 3
    calls.make()
    assert calls.crowded == 3


READER = Reader("7", "7")
CALLS: dict[str, Callable[[Portal], Awaitable[object]]] = {
    "invoice": lambda portal: portal.invoice(READER, "212380"),
    "pdf": lambda portal: portal.invoice_pdf(READER, "212380", language="fr", limit=1000),
}
FAILING: dict[str, httpx.Response | type[httpx.TransportError]] = {
    "connect timeout": httpx.ConnectTimeout,
    "refused": httpx.ConnectError,
    "read timeout": httpx.ReadTimeout,
    "reset": httpx.ReadError,
    "500": httpx.Response(500, content="<html>"),
    "503": httpx.Response(503, headers={"Retry-After": "60"}),
}


@pytest.mark.parametrize("failure", FAILING)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("adapter", [HttpPortal, TrytonPortal])
async def test_both_adapters_stop_calling_a_failing_portal(
    adapter: Callable[..., Portal], call: str, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asyncio.sleep", _no_sleep)
    breaker, received = PortalBreaker(), 0

    def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal received
        received += 1
        found = FAILING[failure]
        if isinstance(found, httpx.Response):
            return httpx.Response(found.status_code, headers=found.headers, content=found.content)
        raise found("no")

    url = "tryton+https://erp.example.com/odotrack" if adapter is TrytonPortal else "https://portal.example.com"
    portal = adapter(url, "key", transport=httpx.MockTransport(answer), breaker=breaker)
    for _ in range(settings.FAILURES):
        with pytest.raises(PortalUnavailable):
            await CALLS[call](portal)
    assert breaker.is_open
    before = received
    with pytest.raises(PortalAway):
        await CALLS[call](portal)
    assert received == before
    await portal.aclose()


async def _no_sleep(_: float) -> None:
    return


def test_person_who_probes_waits_for_seconds(calls: Calls) -> None:
    for _ in range(settings.FAILURES):
        calls.make(OUTAGE)
    calls.clock.now += settings.FIRST_PAUSE_SECONDS
    with calls.breaker.call() as limit:
        assert limit == settings.PROBE_SECONDS


@pytest.mark.parametrize("by", [Caller.PERSON, Caller.WORKER])
def test_other_calls_have_no_limit_of_the_breaker(calls: Calls, by: Caller) -> None:
    for _ in range(0 if by is Caller.PERSON else settings.FAILURES):
        calls.make(OUTAGE)
    calls.clock.now += settings.FIRST_PAUSE_SECONDS
    with calls.by(by), calls.breaker.call() as limit:
        assert limit is None


async def test_probe_of_a_hanging_portal_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal hangs: a person whose call is the probe gets the excuse long before the usual limit."""
    monkeypatch.setattr(settings, "PROBE_SECONDS", 0.2)
    calls = Calls()
    for _ in range(settings.FAILURES):
        calls.make(OUTAGE)
    calls.clock.now += settings.FIRST_PAUSE_SECONDS
    async with asyncio.timeout(5):
        with pytest.raises(PortalUnavailable, match=r"within 0\.2 s"):
            await with_retries("orders", lambda: asyncio.sleep(60), calls.breaker)
