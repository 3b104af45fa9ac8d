"""What a person can ask for, however they ask: by command, by button or by typing.

An action that a button carries has a letter; its fields travel in the callback data (``telegram/callback_data.py``).
``link`` is the link that the screen was made for: a button keeps to its own account, also after the person chose
another one.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from texts.language import Language

ActionT = TypeVar("ActionT", bound="Action")


class Action:
    """One thing asked for. ``letter`` names it in callback data, and is never given to another."""

    letter: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class AccountAction(Action):
    """Something asked of one account."""

    link: int


@dataclass(frozen=True, slots=True)
class ListOrders(AccountAction):
    """A page of orders."""

    letter: ClassVar[str] = "o"
    page: int = 1
    query: str = ""


@dataclass(frozen=True, slots=True)
class ShowOrder(AccountAction):
    """One order; ``page`` is that of its agreement lines."""

    letter: ClassVar[str] = "O"
    number: str
    page: int = 1


@dataclass(frozen=True, slots=True)
class ListInvoices(AccountAction):
    """A page of invoices: all, those to pay, those of one order, or those found."""

    letter: ClassVar[str] = "i"
    page: int = 1
    unpaid: bool = False
    order: str = ""
    query: str = ""


@dataclass(frozen=True, slots=True)
class ShowInvoice(AccountAction):
    """One invoice."""

    letter: ClassVar[str] = "I"
    number: str


@dataclass(frozen=True, slots=True)
class SendPdf(AccountAction):
    """An invoice's PDF; ``again`` where the screen it was asked from told of a failure and is to be put right."""

    letter: ClassVar[str] = "d"
    number: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class OpenNumber(AccountAction):
    """Whatever has this number, an invoice or an order."""

    letter: ClassVar[str] = "n"
    number: str


@dataclass(frozen=True, slots=True)
class AskSearch(AccountAction):
    """The next text is searched for."""

    letter: ClassVar[str] = "s"
    invoices: bool


@dataclass(frozen=True, slots=True)
class ChooseAccount(AccountAction):
    """This account is the current one from now on."""

    letter: ClassVar[str] = "a"


@dataclass(frozen=True, slots=True)
class Wish(AccountAction):
    """The answer to the one question at linking: whether new invoices are to be told, for every account just linked."""

    letter: ClassVar[str] = "w"
    yes: bool


@dataclass(frozen=True, slots=True)
class ShowWishes(AccountAction):
    """Which kinds of notices an account sends."""

    letter: ClassVar[str] = "W"


@dataclass(frozen=True, slots=True)
class SetWish(AccountAction):
    """Turns a kind of notice on or off; ``of_notice`` where it was tapped under one."""

    letter: ClassVar[str] = "k"
    wish: str
    on: bool
    of_notice: bool = False


@dataclass(frozen=True, slots=True)
class AttachPdf(AccountAction):
    """Whether notices of new invoices bring the PDF along."""

    letter: ClassVar[str] = "b"
    on: bool


@dataclass(frozen=True, slots=True)
class Snooze(AccountAction):
    """Reminds of an invoice again, in so many days."""

    letter: ClassVar[str] = "t"
    number: str
    days: int


@dataclass(frozen=True, slots=True)
class MuteInvoice(AccountAction):
    """No more reminders of one invoice."""

    letter: ClassVar[str] = "m"
    number: str


@dataclass(frozen=True, slots=True)
class ShowCopy(AccountAction):
    """The bookkeeper's copy: its address, and what was sent."""

    letter: ClassVar[str] = "C"


@dataclass(frozen=True, slots=True)
class AskCopy(AccountAction):
    """The next text is the bookkeeper's address."""

    letter: ClassVar[str] = "e"


@dataclass(frozen=True, slots=True)
class StopCopy(AccountAction):
    """No more copies."""

    letter: ClassVar[str] = "x"


@dataclass(frozen=True, slots=True)
class GiveCopyEmail(AccountAction):
    """The bookkeeper's address, in normal form."""

    email: str


@dataclass(frozen=True, slots=True)
class GiveCopyCode(AccountAction):
    """The code that was mailed to the bookkeeper: six digits, or eight characters."""

    code: str
    long_code: str = ""


@dataclass(frozen=True, slots=True)
class Start(Action):
    """The first screen."""

    letter: ClassVar[str] = "H"


@dataclass(frozen=True, slots=True)
class StartLinking(Action):
    """Asks for an address."""

    letter: ClassVar[str] = "l"


@dataclass(frozen=True, slots=True)
class GiveEmail(Action):
    """An address to mail a code to, in normal form."""

    email: str


@dataclass(frozen=True, slots=True)
class ResendCode(Action):
    """Another code to the same address."""

    letter: ClassVar[str] = "c"


@dataclass(frozen=True, slots=True)
class GiveCode(Action):
    """A code that was mailed: six digits, or eight characters."""

    code: str
    long_code: str = ""


@dataclass(frozen=True, slots=True)
class GiveRevokeCode(Action):
    """The code that was mailed to confirm a revocation."""

    code: str
    long_code: str = ""


@dataclass(frozen=True, slots=True)
class ConfirmAddress(AccountAction):
    """Mails a new code to the address of a link that was not used for too long."""

    letter: ClassVar[str] = "v"


@dataclass(frozen=True, slots=True)
class FinishLinking(Action):
    """Makes the links that a right code opened."""

    letter: ClassVar[str] = "f"


@dataclass(frozen=True, slots=True)
class ShowAccounts(Action):
    """The linked accounts, and the other chats linked through the same addresses."""

    letter: ClassVar[str] = "A"


@dataclass(frozen=True, slots=True)
class Revoke(Action):
    """Removes another chat's links through this chat's addresses; asks first."""

    letter: ClassVar[str] = "r"
    chat: int
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Unlink(Action):
    """Removes this chat's links; asks first."""

    letter: ClassVar[str] = "u"
    sure: bool = False


@dataclass(frozen=True, slots=True)
class ChooseLanguage(Action):
    """Asks for a language, or takes one."""

    letter: ClassVar[str] = "L"
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class ShowSettings(Action):
    """Language and page length; ``page_size`` sets it."""

    letter: ClassVar[str] = "S"
    page_size: int = 0


@dataclass(frozen=True, slots=True)
class ShowNotices(Action):
    """Which new invoices are told."""

    letter: ClassVar[str] = "N"


@dataclass(frozen=True, slots=True)
class ShowQuiet(Action):
    """Quiet hours, in minutes after midnight; from -1 on, ``start`` sets them, and -1 to -1 turns them off."""

    letter: ClassVar[str] = "q"
    start: int = -2
    end: int = -2


@dataclass(frozen=True, slots=True)
class ChooseZone(Action):
    """Asks for a time zone, or takes one."""

    letter: ClassVar[str] = "z"
    zone: str = ""


@dataclass(frozen=True, slots=True)
class ShowPortal(Action):
    """The portal's own menu."""

    letter: ClassVar[str] = "p"


@dataclass(frozen=True, slots=True)
class ShowHelp(Action):
    """How to reach orders and invoices, here and on the portal."""

    letter: ClassVar[str] = "h"


@dataclass(frozen=True, slots=True)
class ShowPrivacy(Action):
    """The policy."""

    letter: ClassVar[str] = "P"


@dataclass(frozen=True, slots=True)
class ShowMyData(Action):
    """What is remembered of this chat."""

    letter: ClassVar[str] = "D"


@dataclass(frozen=True, slots=True)
class Forget(Action):
    """Erases everything remembered of this chat; asks first."""

    letter: ClassVar[str] = "F"
    sure: bool = False


def at_page(action: ActionT, page: int) -> ActionT:
    """The same list, at another page."""
    return replace(action, page=page)  # type: ignore[type-var]
