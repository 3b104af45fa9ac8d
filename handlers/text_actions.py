"""Actions that only a typed text requests: no button carries them, so they have no letter."""

from handlers.actions import AccountAction, Action, OpenNumber


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


class Leave(Action, frozen=True):
    """Leaves the question that the bot asked."""
