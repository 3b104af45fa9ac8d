"""Actions that only a typed text requests: no button carries them, so they have no letter."""

from dataclasses import dataclass

from handlers.actions import AccountAction, Action, OpenNumber


@dataclass(frozen=True, slots=True)
class GiveCopyEmail(AccountAction):
    """The bookkeeper's address, in normal form."""

    email: str


@dataclass(frozen=True, slots=True)
class GiveCopyCode(AccountAction):
    """The code mailed to the bookkeeper: six digits, or eight characters."""

    code: str
    long_code: str = ""


@dataclass(frozen=True, slots=True)
class GiveEmail(Action):
    """The address to mail a code to, in normal form."""

    email: str


@dataclass(frozen=True, slots=True)
class GiveCode(Action):
    """A mailed code: six digits, or eight characters."""

    code: str
    long_code: str = ""


@dataclass(frozen=True, slots=True)
class GiveRevokeCode(Action):
    """The code mailed to confirm a revocation."""

    code: str
    long_code: str = ""


@dataclass(frozen=True, slots=True)
class SearchFor(AccountAction):
    """Searches one of the lists for a typed text; where it finds nothing, performs ``otherwise`` or asks again."""

    invoices: bool
    query: str
    otherwise: Action | None = None


@dataclass(frozen=True, slots=True)
class OpenNumberOr(AccountAction):
    """Opens a typed number; where nothing has it and the search finds nothing, performs ``otherwise``."""

    number: OpenNumber
    otherwise: Action


@dataclass(frozen=True, slots=True)
class OpenLatest(AccountAction):
    """Shows the newest order or invoice, or sends the PDF of the newest invoice."""

    invoices: bool
    pdf: bool = False


@dataclass(frozen=True, slots=True)
class SendPdfOf(AccountAction):
    """Sends the PDF of the invoice with a typed number, in any account of the chat."""

    number: str


@dataclass(frozen=True, slots=True)
class Leave(Action):
    """Leaves the question that the bot asked."""
