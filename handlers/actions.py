"""Actions: what a person can request, by command or by button. ``text_actions`` has those of texts only.

A button's action has a letter, and its fields are stored in the callback data (``telegram/callback_data.py``). ``link``
is the link of the screen with the button: a button keeps its account after the person chooses another one.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from portal.models import Part
from texts.language import Language

ActionT = TypeVar("ActionT", bound="Action")


class Action:
    """A request. The class argument ``letter`` names it in callback data, and is never reused for another action."""

    letter: ClassVar[str] = ""

    def __init_subclass__(cls, *, letter: str = "") -> None:
        if letter:  # a dataclass with slots is created twice, the second time without arguments
            cls.letter = letter


@dataclass(frozen=True, slots=True)
class AccountAction(Action):
    """A request about one account."""

    link: int


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


@dataclass(frozen=True, slots=True)
class ChooseAccount(AccountAction, letter="a"):
    """Makes this account the current one."""


@dataclass(frozen=True, slots=True)
class AnswerNoticeOffer(AccountAction, letter="w"):
    """The answer at linking: whether to send notices of new invoices, for every account just linked."""

    yes: bool


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


@dataclass(frozen=True, slots=True)
class Start(Action, letter="H"):
    """The first screen."""


@dataclass(frozen=True, slots=True)
class StartLinking(Action, letter="l"):
    """Asks for an address."""


@dataclass(frozen=True, slots=True)
class ResendCode(Action, letter="c"):
    """Mails another code to the same address."""


@dataclass(frozen=True, slots=True)
class CompareCode(Action, letter="g"):
    """Compares a typed number with the awaited code, short or long, which costs an attempt as a typed code does."""

    code: str


@dataclass(frozen=True, slots=True)
class ConfirmAddress(AccountAction, letter="v"):
    """Mails a new code to the address of an idle link."""


@dataclass(frozen=True, slots=True)
class FinishLinking(Action, letter="f"):
    """Creates the links that a correct code permits."""


@dataclass(frozen=True, slots=True)
class ShowAccounts(Action, letter="A"):
    """The linked accounts, and the other chats linked through the same addresses."""


@dataclass(frozen=True, slots=True)
class Revoke(Action, letter="r"):
    """Removes another chat's links through this chat's addresses; ``sure`` confirms it."""

    chat: int
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Unlink(Action, letter="u"):
    """Removes this chat's links; ``sure`` confirms it."""

    sure: bool = False


@dataclass(frozen=True, slots=True)
class ChooseLanguage(Action, letter="L"):
    """Sets the language; None shows the choice."""

    language: Language | None = None


@dataclass(frozen=True, slots=True)
class ShowSettings(Action, letter="S"):
    """The settings; a ``page_size`` sets the rows per page, 0 leaves them."""

    page_size: int = 0


@dataclass(frozen=True, slots=True)
class ShowNotices(Action, letter="N"):
    """The notices of all accounts."""


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
class ShowPortal(Action, letter="p"):
    """The portal's menu."""


@dataclass(frozen=True, slots=True)
class ShowHelp(Action, letter="h"):
    """How to reach orders and invoices, here and on the portal."""


@dataclass(frozen=True, slots=True)
class ShowPrivacy(Action, letter="P"):
    """The privacy policy."""


@dataclass(frozen=True, slots=True)
class ShowMyData(Action, letter="D"):
    """The stored personal data of this chat."""


@dataclass(frozen=True, slots=True)
class Forget(Action, letter="F"):
    """Erases the stored personal data of this chat; ``sure`` confirms it."""

    sure: bool = False


def at_page(action: ActionT, page: int) -> ActionT:
    """Return the same list at another page."""
    return replace(action, page=page)  # type: ignore[type-var]
