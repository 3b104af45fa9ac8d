"""Actions that only a typed text requests: no button carries them, so they have no letter.

``retry_of`` gives the action of the button that repeats one of them.
"""

from msgspec.structs import replace

from handlers.actions import AccountAction, Action, ListInvoices, ListOrders, OpenNumber, SendPdf


class GiveCopyEmail(AccountAction, frozen=True):
    """The bookkeeper's address, in normal form."""

    email: str


class GiveCopyCode(AccountAction, frozen=True):
    """The code mailed to the bookkeeper: six digits, or eight characters."""

    code: str
    long_code: str = ""


class GiveEmail(Action, frozen=True):
    """The address to mail a code to, in normal form."""

    email: str


class GiveCode(Action, frozen=True):
    """A mailed code: six digits, or eight characters."""

    code: str
    long_code: str = ""


class GiveRevokeCode(Action, frozen=True):
    """The code mailed to confirm a revocation."""

    code: str
    long_code: str = ""


class SearchFor(AccountAction, frozen=True):
    """Searches one of the lists for a typed text; where it finds nothing, performs ``otherwise`` or asks again."""

    invoices: bool
    query: str
    otherwise: Action | None = None


class OpenNumberOr(AccountAction, frozen=True):
    """Opens a typed number; where nothing has it and the search finds nothing, performs ``otherwise``."""

    number: OpenNumber
    otherwise: Action


class OpenLatest(AccountAction, frozen=True):
    """Shows the newest order or invoice, or sends the PDF of the newest invoice."""

    invoices: bool
    pdf: bool = False


class SendPdfOf(AccountAction, frozen=True):
    """Sends the PDF of the invoice with a typed number, in any account of the chat."""

    number: str


class ListInvoicesOf(AccountAction, frozen=True):
    """Lists the invoices of the order with a typed number, in any account of the chat."""

    order: str


class ListWhole(AccountAction, frozen=True):
    """Shows a list, and says that it cannot be filtered or sorted by amount."""

    of: ListOrders | ListInvoices


class Leave(Action, frozen=True):
    """Leaves the question that the bot asked."""


def retry_of(action: Action) -> Action:
    """Return the action of a retry button; that of a PDF also replaces the screen of the failure."""
    match action:
        case SendPdf():
            return replace(action, again=True)
        case OpenNumberOr(number=number):
            return number
        case SearchFor(link, invoices, query):  # of a typed text, which no button carries
            return ListInvoices(link, query=query) if invoices else ListOrders(link, query=query)
        case OpenLatest(link, invoices):
            return ListInvoices(link) if invoices else ListOrders(link)
        case SendPdfOf(link, number):
            return SendPdf(link, number, again=True)
        case ListWhole(of=of):
            return of
        case ListInvoicesOf(link, order):
            return ListInvoices(link, order=order)
    return action
