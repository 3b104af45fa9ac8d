"""What changed in an account since the last visit: the portal's rows are compared with those of that visit."""

import datetime
import json
from collections.abc import Mapping, Sequence, Set

from msgspec import Struct

from portal.models import Invoice, InvoiceStatus, Order, Page
from services.account.paper_filters import ENDING_DAYS, Rows, future_ends
from storage.tables import Kind

_STATES = {
    InvoiceStatus.OPEN: "o",
    InvoiceStatus.PAID: "p",
    InvoiceStatus.CANCELLED: "x",
    InvoiceStatus.CREDITED: "c",
}


class KnownPapers(Struct, frozen=True):
    """The orders and invoices that were there at a visit.

    Args:
        invoices: The state of each of the newest invoices by number; None if the contact did not see invoices.
        oldest: The date of the oldest of them if the account had more; None if these were all.
        ending: The numbers of the orders that ended soon; None if the contact did not see orders.
    """

    invoices: Mapping[str, str] | None = None
    oldest: datetime.date | None = None
    ending: Set[str] | None = None

    def as_text(self) -> str:
        """Return them for storage."""
        oldest = self.oldest.isoformat() if self.oldest else None
        ending = None if self.ending is None else sorted(self.ending)
        invoices = None if self.invoices is None else dict(self.invoices)
        return json.dumps({"invoices": invoices, "oldest": oldest, "ending": ending}, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> "KnownPapers":
        """Return what ``as_text`` made a text of."""
        values = json.loads(text)
        oldest, ending = values["oldest"], values["ending"]
        return cls(
            values["invoices"],
            datetime.date.fromisoformat(oldest) if oldest else None,
            None if ending is None else frozenset(ending),
        )


class Changes(Struct, frozen=True):
    """What is to be told, each order and invoice once."""

    new: tuple[Invoice, ...] = ()
    paid: tuple[Invoice, ...] = ()
    cancelled: tuple[Invoice, ...] = ()
    """Cancelled or credited: nobody has to pay them any more."""
    ending: tuple[Order, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.paid or self.cancelled or self.ending)

    def without(self, told: Set[tuple[Kind, str]]) -> "Changes":
        """Return the changes that the chat was not told of by a notice; ``told`` has its kind and number."""
        return Changes(
            tuple(each for each in self.new if (Kind.INVOICE_ISSUED, each.number) not in told),
            tuple(each for each in self.paid if (Kind.INVOICE_PAID, each.number) not in told),
            self.cancelled,
            tuple(each for each in self.ending if (Kind.ORDER_ENDING, each.number) not in told),
        )


def known_papers(invoices: Page[Invoice] | None, orders: Rows[Order] | None, today: datetime.date) -> KnownPapers:
    """Return what a visit knows of.

    Args:
        invoices: The newest invoices; None if the contact does not see invoices.
        orders: The orders; None if the contact does not see orders.
        today: The date in the company's time zone.
    """
    has_more = invoices is not None and invoices.total > len(invoices.items)
    dates = [each.date for each in invoices.items] if invoices is not None else []
    return KnownPapers(
        None if invoices is None else {each.number: _STATES[each.state] for each in invoices.items},
        min(dates, default=None) if has_more else None,
        None if orders is None else frozenset(each.number for each in _ending(orders, today)),
    )


def changes_since(
    before: KnownPapers | None, invoices: Page[Invoice] | None, orders: Rows[Order] | None, today: datetime.date
) -> Changes:
    """Return what changed since a visit.

    At a first visit, only orders that end soon are to be told: nothing is new yet.

    Args:
        before: What was known at the visit; None for a first visit.
        invoices: As for ``known_papers``, like the others.
    """
    before = before or KnownPapers(ending=frozenset())
    changed = _changed_invoices(before, invoices.items if invoices is not None else ())
    if orders is None or before.ending is None:
        return changed
    ending = tuple(each for each in _ending(orders, today) if each.number not in before.ending)
    return Changes(changed.new, changed.paid, changed.cancelled, ending)


def _changed_invoices(before: KnownPapers, invoices: Sequence[Invoice]) -> Changes:
    if before.invoices is None:
        return Changes()
    new, paid, cancelled = [], [], []
    for invoice in invoices:
        state, earlier = _STATES[invoice.state], before.invoices.get(invoice.number)
        if earlier is None:
            is_recent = before.oldest is None or invoice.date >= before.oldest
            if is_recent and not invoice.is_cancelled:
                new.append(invoice)
        elif state != earlier and invoice.state is InvoiceStatus.PAID:
            paid.append(invoice)
        elif state != earlier and invoice.state is not InvoiceStatus.OPEN:
            cancelled.append(invoice)
    return Changes(tuple(new), tuple(paid), tuple(cancelled))


def _ending(orders: Rows[Order], today: datetime.date) -> list[Order]:
    last = today + datetime.timedelta(days=ENDING_DAYS)
    return [each for each in future_ends(orders.items, today) if each.end_date is not None and each.end_date <= last]
