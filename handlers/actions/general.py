"""Actions that every chat has: first screen, settings, help."""

from dataclasses import dataclass
from enum import StrEnum

from handlers.actions.base import Action
from texts.language import Language


class ListStyle(StrEnum):
    """How a chat gets its lists."""

    LINES = "l"
    TABLES = "t"


class PrivacyPart(StrEnum):
    """A further part of what is said about privacy."""

    KEPT = "k"
    WHERE = "w"
    RIGHTS = "r"
    CONSENTS = "c"


@dataclass(frozen=True, slots=True)
class Start(Action, letter="H"):
    """The first screen."""


@dataclass(frozen=True, slots=True)
class ChooseLanguage(Action, letter="L"):
    """Sets the language; None shows the choice."""

    language: Language | None = None


@dataclass(frozen=True, slots=True)
class ShowSettings(Action, letter="S"):
    """The settings; a ``page_size`` sets the rows per page, 0 leaves them. ``lists`` sets the style of lists."""

    page_size: int = 0
    lists: ListStyle | None = None


@dataclass(frozen=True, slots=True)
class ShowPortal(Action, letter="p"):
    """The portal's menu."""


@dataclass(frozen=True, slots=True)
class ShowHelp(Action, letter="h"):
    """How to reach orders and invoices, here and on the portal."""


@dataclass(frozen=True, slots=True)
class ShowPrivacy(Action, letter="P"):
    """A part of the privacy policy, or the chat's consents; None is the first part."""

    part: PrivacyPart | None = None


@dataclass(frozen=True, slots=True)
class SetInline(Action, letter="y"):
    """Turns the answers in other chats (inline mode) on or off for this person."""

    on: bool = False
