"""Actions about orders and invoices."""

from msgspec.structs import replace

from handlers.actions.base import AccountAction
from portal.models import Part
from services.account.paper_filters import InvoiceFilter, OrderFilter


class ListOrders(AccountAction, frozen=True, tag="o"):
    """A page of orders: all, search results, those of a period, or those that a filter selects.

    ``since`` and ``until`` as in ``ListInvoices``: of the start dates, or of the end dates if the filter is about ends.
    """

    page: int = 1
    query: str = ""
    since: str = ""
    until: str = ""
    only: OrderFilter | None = None

    def shortened(self, excess: int) -> "ListOrders | None":
        """Return the list for a shorter search text: its beginning still finds the order."""
        return replace(self, query=self.query[: -max(1, excess // 4)]) if self.query else None


class ShowOrder(AccountAction, frozen=True, tag="O"):
    """One order; ``page`` is the page of its agreement lines.

    The further fields are those of the list that it was opened from, with ``list_page`` for its page.
    """

    number: str
    page: int = 1
    list_page: int = 1
    query: str = ""
    since: str = ""
    until: str = ""
    only: OrderFilter | None = None

    @classmethod
    def from_list(cls, number: str, of: ListOrders) -> "ShowOrder":
        """Return the action of a row's button in a list."""
        return cls(of.link, number, 1, of.page, of.query, of.since, of.until, of.only)

    @property
    def opened_from(self) -> ListOrders:
        """The list that it was opened from; all orders where it was opened from elsewhere."""
        return ListOrders(self.link, self.list_page, self.query, self.since, self.until, self.only)

    def shortened(self, _excess: int) -> "ShowOrder | None":
        """Return the order without its list: a cut search text would lead back to another list."""
        shorter = ShowOrder(self.link, self.number, self.page)
        return shorter if shorter != self else None


class ListInvoices(AccountAction, frozen=True, tag="i"):
    """A page of invoices: all, those of an order or a period, search results, or those that a filter selects.

    ``since`` and ``until`` are the first and the last day, in ISO 8601; empty for no limit.
    """

    page: int = 1
    unpaid: bool = False
    order: str = ""
    query: str = ""
    since: str = ""
    until: str = ""
    paid: bool = False
    only: InvoiceFilter | None = None

    def shortened(self, excess: int) -> "ListInvoices | None":
        """Return the list for a shorter search text: its beginning still finds the invoice."""
        return replace(self, query=self.query[: -max(1, excess // 4)]) if self.query else None


class ShowInvoice(AccountAction, frozen=True, tag="I"):
    """One invoice. The fields after ``number`` are those of the list that it was opened from."""

    number: str
    page: int = 1
    unpaid: bool = False
    order: str = ""
    query: str = ""
    since: str = ""
    until: str = ""
    paid: bool = False
    only: InvoiceFilter | None = None

    @classmethod
    def from_list(cls, number: str, of: ListInvoices) -> "ShowInvoice":
        """Return the action of a row's button in a list."""
        return cls(of.link, number, of.page, of.unpaid, of.order, of.query, of.since, of.until, of.paid, of.only)

    @property
    def opened_from(self) -> ListInvoices:
        """The list that it was opened from; all invoices where it was opened from elsewhere."""
        return ListInvoices(
            self.link, self.page, self.unpaid, self.order, self.query, self.since, self.until, self.paid, self.only
        )

    def shortened(self, _excess: int) -> "ShowInvoice | None":
        """Return the invoice without its list: a cut search text would lead back to another list."""
        shorter = ShowInvoice(self.link, self.number)
        return shorter if shorter != self else None


class ShowBalance(AccountAction, frozen=True, tag="B"):
    """What is owed in the account."""


class SendPdf(AccountAction, frozen=True, tag="d"):
    """An invoice's PDF; ``again`` if the screen with the button shows a failure, which success then replaces.

    Without ``anew`` it is not sent a second time while the chat still has it. ``is_credit_note`` only decides what it
    is called, where the invoice is not read.
    """

    number: str
    again: bool = False
    anew: bool = False
    is_credit_note: bool = False

    def shortened(self, _excess: int) -> "SendPdf | None":
        """Return the PDF of a credit note as that of an invoice: the number alone finds it."""
        return replace(self, is_credit_note=False) if self.is_credit_note else None


class OpenNumber(AccountAction, frozen=True, tag="n"):
    """The invoice or the order with this number, in any account of the chat.

    ``part`` is what the person called it, or None. ``code`` is the awaited code that they may have meant, and
    ``suggestion`` the command, with its slash; ``whole`` is ``NumberText.whole``. Each of them may be empty.
    """

    number: str
    part: Part | None = None
    code: str = ""
    suggestion: str = ""
    whole: str = ""


class AskSearch(AccountAction, frozen=True, tag="s"):
    """Asks for a text to search for."""

    invoices: bool
