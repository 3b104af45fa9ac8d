"""The mail server fails while bookkeepers' copies are sent, and while a person asks for a code."""

import asyncio
import time

from tests.chaos.faults import mail_fault
from tests.chaos.scenarios.play import Where, notice_figures, playing, scenario

COPIES = 10
FAULT_SECONDS = 62.0
NEWCOMER = "flotte@example.test"


async def _copies(where: Where, kind: str, seconds: float = FAULT_SECONDS) -> str:
    """Ten invoices with a copy each while the mail server fails; a person gives an address meanwhile."""
    async with playing(where, own=COPIES, copies=COPIES) as play:
        newcomer = play.stage.telegram.world.create_person(first_name="Neuve", language_code="fr")
        async with mail_fault(play.stage, kind):
            for customer in play.stage.customers:
                play.issues_to(customer)
            newcomer.say("/lier")
            await newcomer.wait_for_message(new=True, timeout=30.0)
            began = time.monotonic()
            newcomer.say(NEWCOMER)
            await newcomer.wait_for_message(new=True, timeout=60.0)
            answered = time.monotonic() - began
            await asyncio.sleep(seconds)
        healed = time.time()
        history = await play.settle(patience=90.0, longest=400.0)
        delays = [each.at - healed for each in history.told if each.kind == "copy" and each.at > healed]
        return (
            f"an answer to an address after {answered:.1f} s; {await notice_figures(play, history)};"
            f" copies after the end: {len(delays)}, the last {max(delays, default=0.0):.0f} s after it"
        )


@scenario("copies-refused")
async def copies_refused(where: Where) -> str:
    """62 s without a mail server."""
    return await _copies(where, "refused")


@scenario("copies-silent")
async def copies_silent(where: Where) -> str:
    """62 s of a mail server that does not greet."""
    return await _copies(where, "silent")


@scenario("copies-busy")
async def copies_busy(where: Where) -> str:
    """62 s of 451."""
    return await _copies(where, "busy")


@scenario("copies-dropped")
async def copies_dropped(where: Where) -> str:
    """20 s in which the connection breaks after the content, before it is stored."""
    return await _copies(where, "drops_content", 20.0)


@scenario("copies-stored-unsaid")
async def copies_stored_unsaid(where: Where) -> str:
    """20 s in which the mail is stored, and the connection breaks before the reply."""
    return await _copies(where, "drops_reply", 20.0)
