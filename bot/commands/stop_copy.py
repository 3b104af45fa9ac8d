"""``odobot stop-copy``: act on a bookkeeper's mail that asks for the end of the copies, or on one that came back."""

import sys

from msgspec import Struct

from bot.commands.common import record_change
from services.clock import Clock, utc_now
from services.notices import copies
from services.notices.copies import StopRequest
from services.security import SecurityEvent
from storage.database import Database

STDIN = "-"
_LARGEST_MAIL = 1024 * 1024
"""Characters of a mail on standard input that are read: the token stands in its headers, or near them."""


class StopResult(Struct, frozen=True):
    """What was done: how many copies were stopped or paused; 0 if they were before. ``line`` says it."""

    action: str
    copies: int
    line: str


async def stop_copy(database: Database, text: str, *, has_bounced: bool, clock: Clock = utc_now) -> StopResult | None:
    """Stop the copies of an account's invoices to an address, or pause them.

    Args:
        text: A token, the subject line that holds it, a whole mail, or the link to unsubscribe.
        has_bounced: The mail came back: pause the copies, until the address is confirmed anew.

    Returns:
        None if the text holds no valid token.
    """
    request = await _request_in(database, text)
    if request is None:
        return None
    if has_bounced:
        count = await copies.pause(database, request, None, clock())
        action, event, before = "paused", SecurityEvent.COPY_PAUSED, "none was active, or they were paused before"
    else:
        count = await copies.stop(database, request, clock())
        action, event, before = "stopped", SecurityEvent.COPY_STOPPED, "they were stopped before"
    if count:
        record_change(database, event, count, email=request.email)
    return StopResult(action, count, f"Copies {action}: {count}{'' if count else f' ({before})'}")


async def _request_in(database: Database, text: str) -> StopRequest | None:
    for token in copies.tokens_in(text):
        if (request := await copies.open_stop_token(database, token)) is not None:
            return request
    return None


def text_of(argument: str) -> str:
    """Return the text to search for a token: the argument, or standard input for ``-``."""
    if argument.strip() != STDIN:
        return argument
    return sys.stdin.buffer.read(_LARGEST_MAIL).decode("utf-8", "replace")
