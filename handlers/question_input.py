"""Questions in words: read a text as one, and choose the action that answers it."""

import asyncio
import re

from handlers import actions, text_actions
from handlers.actions import Action
from handlers.context import Context
from handlers.screens import questions as screens
from handlers.screens.screen import Screen
from handlers.text_actions import retry_of
from portal.models import Part
from services.account.paper_filters import InvoiceFilter, OrderFilter
from services.packs.selection import PackFormat
from services.understanding.addressees import asks_to_send, changes_own_address, names_bookkeeper, stops_copies
from services.understanding.questions.questions import FileFormat, Intent, Question, State
from storage.chats import LinkState

_ALL_UNPAID = Question(Intent.LIST, Part.INVOICES, State.UNPAID)
_INVOICE_FILTERS = {
    State.OVERDUE: InvoiceFilter.OVERDUE,
    State.CANCELLED: InvoiceFilter.CANCELLED,
    State.CREDIT: InvoiceFilter.CREDIT_NOTES,
}
_SCREENS: dict[Intent, Action] = {
    Intent.HELP: actions.ShowHelp(),
    Intent.STOP_NOTICES: actions.ShowNotices(),
    Intent.NOTICES: actions.ShowNotices(),
    Intent.QUIET: actions.ShowQuiet(),
    Intent.UNLINK: actions.Unlink(),
    Intent.ERASE: actions.Forget(),
    Intent.ACCOUNT: actions.ShowAccounts(),
    Intent.PORTAL: actions.ShowPortal(),
    Intent.PRIVACY: actions.ShowPrivacy(),
    Intent.MY_DATA: actions.ShowMyData(),
}
"""The screens that do not depend on the account."""
_BESIDE_NUMBERS = (Intent.BALANCE, Intent.PERSON)
"""What is offered beside a number; a text that is about nothing else has it looked up."""
_LEAST_OF_NUMBER = 100_000
_ADDRESS_WORDS = re.compile(r"\b(?:e-?mails?|courriels?|adresses?|address)\b", re.IGNORECASE)
_COPY = (Question(Intent.COPY),)
_SOMEBODY = "comptable"
"""Stands for an address: ``send copies to julie@books.test`` is read as ``send copies to my accountant``."""
_UNLINKED = (Intent.HELP, Intent.LANGUAGE, Intent.PORTAL, Intent.PRIVACY, Intent.PERSON)
"""What is answered in a chat without an account."""
_ORDER_FILTERS = {
    State.ENDING: OrderFilter.ENDING,
    State.ACTIVE: OrderFilter.ACTIVE,
    State.ENDED: OrderFilter.ENDED,
    State.CANCELLED: OrderFilter.CANCELLED,
}


async def answer_to(
    context: Context, current: LinkState, text: str, number: actions.OpenNumber | None = None
) -> Action | Screen | None:
    """Return what answers a question in words; None if the text is none, or only names a number.

    Nothing here changes more than the language: what removes or stops something opens the screen that asks.

    Args:
        number: Opens what may be a number in the text, such as ``facture QWERT``; None for none. It is looked up first
            where the question says no more than "orders" or "invoices".
    """
    readings = await asyncio.to_thread(_read, text, context)
    is_number = any(each.intent is Intent.OPEN and each.number for each in readings)
    if is_number and not any(each.intent in _BESIDE_NUMBERS for each in readings):
        return None
    if number is not None and len(readings) == 1 and readings[0] == Question(Intent.LIST, readings[0].part):
        has_digit = any(c.isdigit() for c in number.number)
        return None if has_digit else text_actions.OpenNumberOr(current.link_id, number, _action(current, readings[0]))
    if len(readings) == 1 and readings[0] == Question(Intent.PDF) and (opened := _last_invoice(context, current)):
        return text_actions.SendPdfOf(current.link_id, opened)
    if any(each.intent is Intent.BALANCE for each in readings):  # the balance leads to the unpaid invoices
        readings = tuple(each for each in readings if each != _ALL_UNPAID)
    choices = {_action(current, each): each for each in reversed(readings)}
    if len(choices) > 1:
        # A button carries the action that repeats the one of a text.
        return screens.which(context.t, [(each, retry_of(action)) for action, each in reversed(choices.items())])
    return next(iter(choices), None)


async def answer_to_address(context: Context, current: LinkState, text: str, email: str) -> Action | None:
    """Return what is asked for about an address that nothing awaits, such as a copy to it; None for nothing.

    A copy starts only where one is asked for, or the bookkeeper is named.
    """
    words = text.split()
    around = " ".join(word for word in words if "@" not in word)
    if changes_own_address(around):
        return actions.ShowAccounts()
    if stops_copies(around):
        return actions.ShowCopy(current.link_id)
    is_bookkeepers = names_bookkeeper(around)
    asked = _ADDRESS_WORDS.sub(" ", around) if is_bookkeepers else around  # "my accountant's new address is"
    readings = await asyncio.to_thread(_read, asked, context)
    if readings == (Question(Intent.ACCOUNT),):
        return actions.ShowAccounts()
    if readings != _COPY and asks_to_send(around):
        to_somebody = " ".join(_SOMEBODY if "@" in word else word for word in words)
        readings = await asyncio.to_thread(_read, _ADDRESS_WORDS.sub(" ", to_somebody), context)
    is_asked = readings == _COPY and (is_bookkeepers or asks_to_send(around))
    return text_actions.GiveCopyEmail(current.link_id, email) if is_asked else None


async def answer_to_unlinked(context: Context, text: str) -> Action | None:
    """Return what answers a question in words in a chat without an account; None for any that needs one."""
    readings = await asyncio.to_thread(_read, text, context)
    if len(readings) != 1 or readings[0].intent not in _UNLINKED:
        return None
    [question] = readings
    if question.intent is Intent.LANGUAGE:
        return actions.ChooseLanguage(question.language)
    if question.intent is Intent.PERSON:
        return actions.TalkToPerson()
    return _SCREENS[question.intent]


def _read(text: str, context: Context) -> tuple[Question, ...]:
    # With its catalogue it takes a tenth of a second to import, which the start of the bot would wait for.
    from services.understanding.questions.reading import read_question

    return read_question(text, context.today, context.language)


def _last_invoice(context: Context, link: LinkState) -> str | None:
    """Return the number of the invoice that the chat opened last, minutes ago; None for one of another account."""
    last = context.services.recent.last_invoice.get(context.chat.chat_id)
    return last[1] if last is not None and last[0] == link.account_id else None


def _action(current: LinkState, question: Question) -> Action:
    link = current.link_id
    match question:
        case Question(intent=intent) if intent in _SCREENS:
            return _SCREENS[intent]
        case Question(intent=Intent.PERSON):
            return actions.TalkToPerson(link)
        case Question(intent=Intent.CALENDAR):
            return actions.ShowCalendar(link)
        case Question(intent=Intent.COPY):
            return actions.ShowCopy(link)
        case Question(intent=Intent.LANGUAGE, language=language):
            return actions.ChooseLanguage(language)
        case Question(intent=Intent.BALANCE):
            return actions.ShowBalance(link)
        case Question(intent=Intent.PDF, number=str(number)):
            return text_actions.SendPdfOf(link, number)
        case Question(intent=Intent.LIST, number=str(order)):
            return text_actions.ListInvoicesOf(link, order)
        case Question(number=str(number), part=part):
            return actions.OpenNumber(link, number, part)
        case Question(amount=amount, part=part) if amount is not None:
            is_number = amount == int(amount) and abs(amount) >= _LEAST_OF_NUMBER  # 240.130 with a thousands sign
            return actions.OpenNumber(link, f"{amount:.{0 if is_number else 2}f}", part)
        case Question(intent=Intent.STATEMENT) if question.part is not Part.ORDERS:
            return _statement(link, question)
        case Question(intent=Intent.PDF, latest=None, part=part) if part is not Part.ORDERS and _selects(question):
            return _pack(link, question, PackFormat.MERGED if question.format is FileFormat.MERGED else PackFormat.ZIP)
        case Question(latest=1, intent=Intent.OPEN | Intent.PDF, part=part):
            return text_actions.OpenLatest(link, invoices=part is not Part.ORDERS, pdf=question.intent is Intent.PDF)
        case Question(compares_amounts=True):
            return text_actions.ListWhole(link, _list(link, question))
    return _list(link, question)


def _statement(link: int, question: Question) -> Action:
    """Return the pack that is asked for; the choice of one where neither a period nor a format is said."""
    if question.format is None and not _selects(question):
        return actions.ShowStatement(link)
    formats = {FileFormat.XLSX: PackFormat.XLSX, FileFormat.CSV: PackFormat.CSV, FileFormat.ZIP: PackFormat.ZIP}
    chosen = formats.get(question.format, PackFormat.STATEMENT) if question.format else PackFormat.STATEMENT
    return _pack(link, question, chosen)


def _selects(question: Question) -> bool:
    """Return whether a question selects some of the invoices."""
    return bool(question.start or question.end or question.state)


def _pack(link: int, question: Question, chosen: PackFormat) -> Action:
    since, until = (day.isoformat() if day else "" for day in (question.start, question.end))
    only = _INVOICE_FILTERS.get(question.state) if question.state else None
    unpaid, paid = question.state is State.UNPAID, question.state is State.PAID
    return actions.MakePack(link, chosen, since, until, unpaid=unpaid, paid=paid, only=only)


def _list(link: int, question: Question) -> actions.ListOrders | actions.ListInvoices:
    since, until = (day.isoformat() if day else "" for day in (question.start, question.end))
    if question.part is Part.ORDERS:
        of_orders = _ORDER_FILTERS.get(question.state) if question.state else None
        return actions.ListOrders(link, since=since, until=until, only=of_orders)
    of_invoices = _INVOICE_FILTERS.get(question.state) if question.state else None
    unpaid, paid = question.state is State.UNPAID, question.state is State.PAID
    return actions.ListInvoices(link, unpaid=unpaid, paid=paid, since=since, until=until, only=of_invoices)
