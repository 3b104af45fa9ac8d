"""What may be the number of an order or invoice: which action it requests, also while a code is awaited."""

import asyncio
import datetime

from handlers import actions
from handlers.actions import Action
from handlers.commands import BY_NAME, BY_WORD, is_command_offered
from handlers.context import Context
from handlers.dispatch import code_action
from handlers.views.search import usable_links
from portal.errors import PortalError
from services import papers
from services.understanding import commands
from services.understanding.numbers import NumberText
from services.understanding.resolving import CODES
from storage.chats import LinkState
from storage.tables import Awaited

_LOOK_UP_SECONDS = 4.0
"""The longest look-up of a number before it is compared with the awaited code: a portal that hangs must not keep a
person from linking."""
_LATE = datetime.timedelta(hours=1)
"""How long after a code's end a text may still be meant as one."""


def slashed(context: Context, name: str | None) -> str:
    """Return a command as the chat's language writes it, such as ``/factures``; empty for None."""
    if name is None or not is_command_offered(BY_NAME[name], context.features):
        return ""
    return f"/{BY_NAME[name].names[context.language.shipped]}"


def late_code(context: Context) -> Awaited | None:
    """Return which code the chat awaited until at most an hour ago; None for none, and while one is awaited."""
    awaiting, now = context.chat.awaiting, context.services.clock()
    if awaiting is None or awaiting.what not in CODES or not awaiting.until <= now <= awaiting.until + _LATE:
        return None
    return awaiting.what


def open_number(context: Context, current: LinkState, number: NumberText, code: str = "") -> actions.OpenNumber:
    """Return the action that looks a number up; ``code`` is what it is compared with where nothing has the number."""
    nearest = None if number.has_digit else commands.nearest(number.text.lower(), BY_WORD)
    late = number.text if late_code(context) is Awaited.CODE and number.text.isdigit() and len(number.text) == 6 else ""
    return actions.OpenNumber(
        current.link_id,
        number.text,
        number.part,
        code or late,
        suggestion=slashed(context, nearest),
        whole=number.whole,
    )


async def code_or_number(context: Context, code: str, long_code: str, number: NumberText | None) -> Action:
    """Open an own order or invoice with this number; compare any other text with the awaited code.

    Which numbers are the chat's own does not depend on the code, so the look-up reveals nothing about it; and whatever
    is compared costs an attempt.
    """
    current = context.chat.current
    if number is not None and current is not None and await is_own_number(context, current, number):
        return open_number(context, current, number, code or long_code)
    return code_action(context, code, long_code)


async def is_own_number(context: Context, current: LinkState, number: NumberText) -> bool:
    """Return whether an account has this number; False also if the portal does not answer in time."""
    if context.services.access.is_idle(current):
        return False
    try:
        async with asyncio.timeout(_LOOK_UP_SECONDS):
            links = usable_links(context, current.link_id)
            return bool(await papers.find_exactly(context.services.portal, links, number.text))
    except (PortalError, TimeoutError):
        return False
