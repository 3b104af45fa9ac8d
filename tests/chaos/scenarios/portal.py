"""A portal that hangs, and a portal whose feed says nonsense."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from sandbox.portal.data.tables import EventRow
from sandbox.telegram.persons import Person
from tests.chaos.faults import POISONS, add_poison, portal_fault
from tests.chaos.plan import FEED_FAULTS
from tests.chaos.scenarios.play import Play, Where, notice_figures, playing, scenario, text_figures
from tests.chaos.setup.stage import SHARED_ACCOUNT
from tests.load.stage import cpu_seconds

NOTICES = 30


@scenario("hanging-portal", modes=("polling", "webhook"))
async def hanging_portal(where: Where) -> str:
    """200 people type a number while the portal hangs; another one asks for help, and then types a number, too."""
    async with playing(where, own=202) as play:
        *waiting, helped, late = play.stage.customers
        async with portal_fault(play.stage, "slow", seconds=300.0):
            for customer in waiting:
                play.types(customer)
            await asyncio.sleep(1)
            helps = await _seconds_until_answered(helped.person, "/aide", 60.0)
            await asyncio.sleep(15)
            excuse = await _seconds_until_answered(late.person, "9999999", 60.0)
            await play.seconds_until(lambda: len(play.recorder.seen.answers) >= len(waiting), 90.0)
        history = await play.settle(patience=15.0)
        typed = {text.chat: text.at for text in history.texts}
        delays = [each.at - typed[each.chat] for each in history.answers if not each.number and each.chat in typed]
        return (
            f"/aide of another after {helps}; excuses of the 200 after {min(delays, default=0):.1f} to"
            f" {max(delays, default=0):.1f} s; of one who comes 16 s later after {excuse}; {text_figures(history)}"
        )


async def _seconds_until_answered(person: Person, text: str, timeout: float) -> str:
    began = time.monotonic()
    person.say(text)
    try:
        await person.wait_for_message(new=True, timeout=timeout)
    except TimeoutError:
        return f"never (watched {timeout:.0f} s)"
    return f"{time.monotonic() - began:.2f} s"


@scenario("poison-events")
async def poison_events(where: Where) -> str:
    """Each kind of event that no reader can use stays in the feed before an invoice."""
    async with playing(where, shared=NOTICES, bulk_rate="1000") as play:
        found = []
        for kind in POISONS:
            add_poison(play.stage, kind)
            number = play.issues()
            found.append(f"{kind} {await play.seconds_until(_all_told(play, number), 60.0)}")
        reasons = await play.stage.program.readiness()
        history = await play.recorder.history()
        return f"told after: {', '.join(found)}; {await notice_figures(play, history)}; {reasons or 'ready'}"


@scenario("two-event-ids")
async def two_event_ids(where: Where) -> str:
    """One invoice is reported by two events."""
    async with playing(where, shared=NOTICES, bulk_rate="1000", chat_rate="1000") as play:
        number = play.issues()
        with play.stage.portal.portal.database.session() as session:
            at = datetime.now(UTC)
            session.add(EventRow(type="invoice.issued", occurred_at=at, account_id=SHARED_ACCOUNT, number=number))
            session.commit()
        await play.seconds_until(_all_told(play, number), 60.0)
        last = play.issues()  # its notices come after all of the first one's
        await play.seconds_until(_all_told(play, last), 60.0)
        return await notice_figures(play, await play.recorder.history())


@scenario("bad-events")
async def bad_events(where: Where) -> str:
    """Malformed events of every kind stand before each event of the feed: null ids, numbers as ids, no object, …"""
    if "bad_events" not in FEED_FAULTS:
        return "not run: the sandbox's portal has no such fault"
    async with playing(where, shared=NOTICES, bulk_rate="1000") as play:
        async with portal_fault(play.stage, "bad_events", path="/v1/events"):
            number = play.issues()
            during = await play.seconds_until(_all_told(play, number), 40.0)
            reasons = await play.stage.program.readiness()
        after = await play.seconds_until(_all_told(play, number), 60.0)
        history = await play.recorder.history()
        return f"told {during}; without them {after} later; {await notice_figures(play, history)}; {reasons or 'ready'}"


@scenario("same-cursor")
async def same_cursor(where: Where) -> str:
    """For 20 s the feed's page is full, and its cursor never moves."""
    if "same_cursor" not in FEED_FAULTS:
        return "not run: the sandbox's portal has no such fault"
    async with playing(where, shared=NOTICES, bulk_rate="1000") as play:
        program, log = play.stage.program, play.stage.portal.log
        async with portal_fault(play.stage, "same_cursor", path="/v1/events"):
            _add_foreign_events(play, 100)
            pid, reads = program.pid, log.counts["events"]
            assert pid is not None
            spent, lines = cpu_seconds(pid), len(program.lines)
            await asyncio.sleep(20)
            spent, reads = cpu_seconds(pid) - spent, log.counts["events"] - reads
            said = sum('"info"' not in line for _, line in program.lines[lines:])
            number = play.issues()
            during = await play.seconds_until(_all_told(play, number), 20.0)
        after = await play.seconds_until(_all_told(play, number), 60.0)
        return (
            f"{reads / 20:.1f} reads/s, {spent / 20:.0%} of a CPU, {said} lines that warn; an invoice told {during};"
            f" after the end {after}"
        )


@scenario("twenty-thousand-events")
async def twenty_thousand_events(where: Where) -> str:
    """20,000 events of accounts that nobody is linked to, then an invoice; a person types meanwhile."""
    async with playing(where, own=1, shared=NOTICES, bulk_rate="1000") as play:
        _add_foreign_events(play, 20_000)
        number = play.issues()
        typing = asyncio.create_task(play.types_evenly(60, 2.0))
        after = await play.seconds_until(_all_told(play, number), 400.0)
        await typing
        return f"told after {after}; {text_figures(await play.settle())}"


@scenario("portal-500")
async def portal_500(where: Where) -> str:
    """60 s of 500 from the portal; the invoice of all of them was issued at its beginning."""
    return await _failing(where, "server_error", 60.0)


@scenario("portal-drip")
async def portal_drip(where: Where) -> str:
    """30 s in which the portal sends a byte each second."""
    return await _failing(where, "drip", 30.0, portal_seconds=1.0)


@scenario("cursor-gone")
async def cursor_gone(where: Where) -> str:
    """For 10 s the portal answers 410 to every cursor; what is issued after it must be told."""
    async with playing(where, shared=NOTICES, bulk_rate="1000") as play:
        async with portal_fault(play.stage, "cursor_gone", path="/v1/events"):
            await asyncio.sleep(10)
        await asyncio.sleep(5)  # until the program has started at the present cursor
        number = play.issues()
        after = await play.seconds_until(_all_told(play, number), 60.0)
        return f"told {after} after; {await notice_figures(play, await play.recorder.history())}"


async def _failing(where: Where, kind: str, seconds: float, portal_seconds: float = 1.0) -> str:
    async with playing(where, own=1, shared=NOTICES, bulk_rate="1000") as play:
        async with portal_fault(play.stage, kind, seconds=portal_seconds):
            number = play.issues()
            excuse = await _seconds_until_answered(play.stage.customers[0].person, "9999999", 60.0)
            await asyncio.sleep(seconds)
        after = await play.seconds_until(_all_told(play, number), 120.0)
        history = await play.settle()
        return f"an excuse after {excuse}; told {after} after the end; {await notice_figures(play, history)}"


def _add_foreign_events(play: Play, count: int) -> None:
    """Add events of accounts that nobody is linked to."""
    with play.stage.portal.portal.database.session() as session:
        at = datetime.now(UTC)
        session.add_all(
            EventRow(type="invoice.issued", occurred_at=at, account_id=f"x-{n}", number=str(n)) for n in range(count)
        )
        session.commit()


def _all_told(play: Play, number: str) -> Callable[[], bool]:
    return lambda: play.told(number) == NOTICES
