"""Actions about orders and invoices."""

from dataclasses import dataclass

from handlers.actions.base import AccountAction
from portal.models import Part


@dataclass(frozen=True, slots=True)
class ListOrders(AccountAction, letter="o"):
    """A page of orders."""

    page: int = 1
    query: str = ""


@dataclass(frozen=True, slots=True)
class ShowOrder(AccountAction, letter="O"):
    """One order; ``page`` is the page of its agreement lines."""

    number: str
    page: int = 1


@dataclass(frozen=True, slots=True)
class ListInvoices(AccountAction, letter="i"):
    """A page of invoices: all, unpaid or paid ones, those of one order, of a period, or search results.

    ``since`` and ``until`` are the first and the last day, in ISO 8601; empty for no limit.
    """

    page: int = 1
    unpaid: bool = False
    order: str = ""
    query: str = ""
    since: str = ""
    until: str = ""
    paid: bool = False


@dataclass(frozen=True, slots=True)
class ShowInvoice(AccountAction, letter="I"):
    """One invoice."""

    number: str


@dataclass(frozen=True, slots=True)
class SendPdf(AccountAction, letter="d"):
    """An invoice's PDF; ``again`` if the screen with the button shows a failure, which success then replaces.

    Without ``anew`` it is not sent a second time while the chat still has it.
    """

    number: str
    again: bool = False
    anew: bool = False


@dataclass(frozen=True, slots=True)
class OpenNumber(AccountAction, letter="n"):
    """The invoice or the order with this number, in any account of the chat.

    ``part`` is what the person called it, or None. ``code`` is the awaited code that they may have meant, and
    ``suggestion`` the command, with its slash; both may be empty.
    """

    number: str
    part: Part | None = None
    code: str = ""
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class AskSearch(AccountAction, letter="s"):
    """Asks for a text to search for."""

    invoices: bool
