"""Actions about links, accounts and the chat's own data."""

from handlers.actions.base import AccountAction, Action


class StartLinking(Action, frozen=True, tag="l"):
    """Asks for an address."""


class ResendCode(Action, frozen=True, tag="c"):
    """Mails another code to the same address."""


class CompareCode(Action, frozen=True, tag="g"):
    """Compares a typed number with the awaited code, short or long, which costs an attempt as a typed code does."""

    code: str


class ConfirmAddress(AccountAction, frozen=True, tag="v"):
    """Mails a new code to the address of an idle link."""


class FinishLinking(Action, frozen=True, tag="f"):
    """Creates the links that a correct code permits."""


class ShowAccounts(Action, frozen=True, tag="A"):
    """The linked accounts, and the other chats linked through the same addresses."""


class ChooseAccount(AccountAction, frozen=True, tag="a"):
    """Makes this account the current one."""


class Revoke(Action, frozen=True, tag="r"):
    """Removes another chat's links through this chat's addresses; ``sure`` confirms it."""

    chat: int
    sure: bool = False


class Unlink(Action, frozen=True, tag="u"):
    """Removes this chat's links, or those to the account of one ``link``; 0: all. ``sure`` confirms it."""

    sure: bool = False
    link: int = 0


class ShowMyData(Action, frozen=True, tag="D"):
    """The stored personal data of this chat; ``files`` sends every stored row as files."""

    files: bool = False


class Forget(Action, frozen=True, tag="F"):
    """Erases the stored personal data of this chat; ``sure`` confirms it."""

    sure: bool = False
