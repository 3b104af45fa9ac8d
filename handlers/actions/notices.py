"""Actions about notices, reminders and the bookkeeper's copies."""

from handlers.actions.base import AccountAction, Action


class AnswerNoticeOffer(AccountAction, frozen=True, tag="w"):
    """The answer at linking: whether to send notices of new invoices, for every account just linked."""

    yes: bool


class ShowNotices(Action, frozen=True, tag="N"):
    """The notices of all accounts."""


class ShowSubscriptions(AccountAction, frozen=True, tag="W"):
    """The kinds of notices of an account; ``of_notice`` if the button is below a summary of notices."""

    of_notice: bool = False


class SetSubscription(AccountAction, frozen=True, tag="k"):
    """Turns a kind of notice on or off; ``of_notice`` if the button is below a notice."""

    subscription: str
    on: bool
    of_notice: bool = False


class AttachPdf(AccountAction, frozen=True, tag="b"):
    """Attaches the PDF to notices of new invoices, or does not."""

    on: bool


class ShowQuiet(Action, frozen=True, tag="q"):
    """Quiet hours, in minutes after midnight.

    ``start`` -2 shows the choice, -1 turns them off, -3 asks for the start; ``end`` -3 asks for the end.
    """

    start: int = -2
    end: int = -2


class ChooseZone(Action, frozen=True, tag="z"):
    """Sets the time zone; an empty one shows the choice."""

    zone: str = ""


class Snooze(AccountAction, frozen=True, tag="t"):
    """Reminds of an invoice again, in ``days`` days."""

    number: str
    days: int


class MuteInvoice(AccountAction, frozen=True, tag="m"):
    """Stops the reminders of one invoice."""

    number: str


class ShowCopy(AccountAction, frozen=True, tag="C"):
    """The bookkeeper's copy: its address, and the mails sent."""


class AskCopy(AccountAction, frozen=True, tag="e"):
    """Asks for the bookkeeper's address."""


class StopCopy(AccountAction, frozen=True, tag="x"):
    """Stops the copies."""


class ConfirmCopy(AccountAction, frozen=True, tag="j"):
    """Mails a code to the bookkeeper's address once more: the copies are paused, or the first code was lost."""


class TypeCopyCode(AccountAction, frozen=True, tag="K"):
    """Asks for the code that was mailed to the bookkeeper, after other texts."""
