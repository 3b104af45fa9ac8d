"""Show saved answers while the portal does not answer."""

from collections.abc import Awaitable, Callable
from typing import Any
from zoneinfo import ZoneInfo

from handlers.actions import (
    AccountAction,
    Action,
    AddToCalendar,
    ListInvoices,
    ListOrders,
    OpenNumber,
    SendPdf,
    ShowInvoice,
    ShowOrder,
)
from handlers.context import Context, SavedView
from handlers.screens import failures
from handlers.screens.screen import Screen
from handlers.text_actions import ListInvoicesOf, OpenLatest, SendPdfOf
from portal.errors import PortalError
from services.saved_answers.papers import SavedPapers
from storage.notices import delivery_preferences

ANSWERABLE = (
    ListOrders,
    ShowOrder,
    ListInvoices,
    ShowInvoice,
    SendPdf,
    AddToCalendar,
    OpenNumber,
    OpenLatest,
    SendPdfOf,
    ListInvoicesOf,
)
"""The actions that saved answers can answer: all that only read orders and invoices. Searches are not saved."""


async def from_saved_answers(
    context: Context,
    action: AccountAction,
    view: Callable[[Context, Any], Awaitable[Screen | Action | None]],
    retry: Action,
    failure: PortalError,
) -> Screen | None:
    """Run a view on saved answers, and mark its screen with their time.

    A link has none to show while it is idle, or while a reported change of access waits to be confirmed.

    Args:
        retry: the action that asks the portal again.
        failure: why the portal does not answer.

    Returns:
        The screen; None if the view has answered itself.

    Raises:
        PortalError: no saved answer fits; it is ``failure``.
        LinkGone: the link was removed meanwhile.
    """
    services = context.services
    async with services.database.read() as session:
        zone = (await delivery_preferences.load(session, context.chat.chat_id)).timezone
    links = [link for link in context.chat.links if link.confirmed_at and not services.access.is_idle(link)]
    papers = SavedPapers(services.saved_answers, links, failure)
    context.saved = SavedView(papers, ZoneInfo(zone) if zone else services.company.zone, retry)
    screen = await view(context, action)
    if isinstance(screen, Action):  # what replaces a search, which is not answered from saved answers
        raise failure
    await context.reload()
    context.link(action.link)
    services.saved_answers.counts["shown"] += 1
    return marked_if_saved(context, screen) if screen is not None else None


def marked_if_saved(context: Context, screen: Screen) -> Screen:
    """Return a screen with the time of the saved answers that it shows; unchanged if it shows none."""
    saved = context.saved
    if saved is None or saved.papers.read_at is None:
        return screen
    now = context.services.clock().astimezone(saved.zone)
    return failures.saved_answer(context.t, screen, saved.retry, saved.papers.read_at.astimezone(saved.zone), now)
