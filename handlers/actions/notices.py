"""Actions about notices, reminders and the bookkeeper's copies."""

from dataclasses import dataclass

from handlers.actions.base import AccountAction, Action


@dataclass(frozen=True, slots=True)
class AnswerNoticeOffer(AccountAction, letter="w"):
    """The answer at linking: whether to send notices of new invoices, for every account just linked."""

    yes: bool


@dataclass(frozen=True, slots=True)
class ShowNotices(Action, letter="N"):
    """The notices of all accounts."""


@dataclass(frozen=True, slots=True)
class ShowSubscriptions(AccountAction, letter="W"):
    """The kinds of notices of an account; ``of_notice`` if the button is below a summary of notices."""

    of_notice: bool = False


@dataclass(frozen=True, slots=True)
class SetSubscription(AccountAction, letter="k"):
    """Turns a kind of notice on or off; ``of_notice`` if the button is below a notice."""

    subscription: str
    on: bool
    of_notice: bool = False


@dataclass(frozen=True, slots=True)
class AttachPdf(AccountAction, letter="b"):
    """Attaches the PDF to notices of new invoices, or does not."""

    on: bool


@dataclass(frozen=True, slots=True)
class ShowQuiet(Action, letter="q"):
    """Quiet hours, in minutes after midnight.

    ``start`` -2 shows the choice, -1 turns them off, -3 asks for the start; ``end`` -3 asks for the end.
    """

    start: int = -2
    end: int = -2


@dataclass(frozen=True, slots=True)
class ChooseZone(Action, letter="z"):
    """Sets the time zone; an empty one shows the choice."""

    zone: str = ""


@dataclass(frozen=True, slots=True)
class Snooze(AccountAction, letter="t"):
    """Reminds of an invoice again, in ``days`` days."""

    number: str
    days: int


@dataclass(frozen=True, slots=True)
class MuteInvoice(AccountAction, letter="m"):
    """Stops the reminders of one invoice."""

    number: str


@dataclass(frozen=True, slots=True)
class ShowCopy(AccountAction, letter="C"):
    """The bookkeeper's copy: its address, and the mails sent."""


@dataclass(frozen=True, slots=True)
class AskCopy(AccountAction, letter="e"):
    """Asks for the bookkeeper's address."""


@dataclass(frozen=True, slots=True)
class StopCopy(AccountAction, letter="x"):
    """Stops the copies."""


@dataclass(frozen=True, slots=True)
class ConfirmCopy(AccountAction, letter="j"):
    """Mails a code to the bookkeeper's address once more: the copies are paused, or the first code was lost."""


@dataclass(frozen=True, slots=True)
class TypeCopyCode(AccountAction, letter="K"):
    """Asks for the code that was mailed to the bookkeeper, after other texts."""
