"""The summary: one message for the notices that waited for the end of quiet hours."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from handlers.actions import Action, ListInvoices, ListOrders, ShowInvoice, ShowOrder, ShowSubscriptions
from handlers.screens.notices import title
from handlers.screens.screen import Button, Keyboard, Screen, Table, clip, rows_of
from portal.models import Invoice, InvoiceStatus, Order
from storage.tables import Kind
from texts.catalogue import Texts
from texts.escaping import safe_text

MOST_LINES = 20
"""Lines of a summary, each with a button. The other notices have one button per list."""
_MOST_LISTS = 6
_ORDERS = (Kind.ORDER_CREATED, Kind.ORDER_ENDING)


class SummaryLine(Struct, frozen=True):
    """One line of a summary.

    Args:
        number: that of the order or invoice.
        paper: what the portal has now.
        account: the account's name, or empty in a chat with one account.
    """

    kind: Kind
    number: str
    link: int
    paper: Invoice | Order
    account: str = ""

    @property
    def is_order(self) -> bool:
        """Whether the line is about an order."""
        return self.kind in _ORDERS


def summary(t: Texts, lines: Sequence[SummaryLine]) -> Screen:
    """List notices, at least one: what each is about, its amount, and whose it is."""
    shown, rest = lines[:MOST_LINES], lines[MOST_LINES:]
    table = Table(tuple(_cells(t, each) for each in shown), actions=tuple(_opens(each) for each in shown))
    note = t.plural("notice.and_more", len(rest)) if rest else _total(t, shown)
    settings = Button(t("button.notices"), ShowSubscriptions(min(each.link for each in lines), of_notice=True))
    keyboard = (*_buttons(shown), *((each,) for each in _rest_buttons(t, rest)), (settings,))
    return Screen(t.plural("notice.summary", len(lines)), table=table, note=note, keyboard=keyboard)


def _cells(t: Texts, line: SummaryLine) -> tuple[str, ...]:
    """Return what a line is about, its amount or day, its state, and its account; each but the first may be empty."""
    paper, value, state = line.paper, "", ""
    if isinstance(paper, Invoice):
        value = t.formats.money(paper.amount, paper.currency)
        if line.kind is Kind.INVOICE_ISSUED and not paper.is_credit_note and paper.state is InvoiceStatus.PAID:
            state = t("state.paid")
    elif paper.end_date and line.kind is Kind.ORDER_ENDING:
        value = t.formats.short_date(paper.end_date)
    account = safe_text(clip(line.account, 40))
    return title(t, line.kind, clip(line.number, 40), paper), value, state, account


def _total(t: Texts, lines: Sequence[SummaryLine]) -> str:
    """Return the total of the new invoices by currency; empty for fewer than two."""
    issued = [line.paper for line in lines if line.kind is Kind.INVOICE_ISSUED]
    invoices = [each for each in issued if isinstance(each, Invoice) and not (each.is_credit_note or each.is_cancelled)]
    if len(invoices) < 2:
        return ""
    totals: dict[str, Decimal] = {}
    for each in invoices:
        totals[each.currency] = totals.get(each.currency, Decimal()) + each.amount
    return t("notice.total", total=" + ".join(t.formats.money(total, each) for each, total in totals.items()))


def _buttons(lines: Sequence[SummaryLine]) -> Keyboard:
    """Return a button for each order and invoice; a number that two accounts have is followed by the account."""
    opened: dict[Action, SummaryLine] = {_opens(line): line for line in lines}
    labels = Counter(line.number for line in opened.values())
    buttons = [Button(_label(line, labels[line.number] > 1), action) for action, line in opened.items()]
    longest = max(len(button.label) for button in buttons)
    return rows_of(buttons, 3 if longest <= 12 else 2 if longest <= 18 else 1)


def _label(line: SummaryLine, is_ambiguous: bool) -> str:
    number = safe_text(line.number)
    return f"{number} · {safe_text(clip(line.account, 30))}" if is_ambiguous and line.account else number


def _rest_buttons(t: Texts, lines: Sequence[SummaryLine]) -> list[Button]:
    """Return a button for each list with notices that have no line."""
    counts = Counter((line.link, line.is_order, line.account) for line in lines)
    buttons = []
    for (link, is_order, account), count in counts.most_common(_MOST_LISTS):
        if len(counts) == 1 or not account:
            label = t.plural("button.other_notices", count)
        else:
            label = t.plural("button.other_notices_of", count, account=clip(account, 30))
        buttons.append(Button(label, ListOrders(link) if is_order else ListInvoices(link)))
    return buttons


def _opens(line: SummaryLine) -> Action:
    return ShowOrder(line.link, line.number) if line.is_order else ShowInvoice(line.link, line.number)
