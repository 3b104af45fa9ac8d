"""Actions about links, accounts and the chat's own data."""

from dataclasses import dataclass

from handlers.actions.base import AccountAction, Action


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
class ChooseAccount(AccountAction, letter="a"):
    """Makes this account the current one."""


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
class ShowMyData(Action, letter="D"):
    """The stored personal data of this chat; ``files`` sends every stored row as files."""

    files: bool = False


@dataclass(frozen=True, slots=True)
class Forget(Action, letter="F"):
    """Erases the stored personal data of this chat; ``sure`` confirms it."""

    sure: bool = False
