"""Actions that every chat has: first screen, settings, help."""

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


class Start(Action, frozen=True, tag="H"):
    """The first screen."""


class ChooseLanguage(Action, frozen=True, tag="L"):
    """Sets the language; None shows the choice."""

    language: Language | None = None


class ShowSettings(Action, frozen=True, tag="S"):
    """The settings; a ``page_size`` sets the rows per page, 0 leaves them. ``lists`` sets the style of lists."""

    page_size: int = 0
    lists: ListStyle | None = None


class ShowPortal(Action, frozen=True, tag="p"):
    """The portal's menu."""


class ShowHelp(Action, frozen=True, tag="h"):
    """How to reach orders and invoices, here and on the portal."""


class ShowPrivacy(Action, frozen=True, tag="P"):
    """A part of the privacy policy, or the chat's consents; None is the first part."""

    part: PrivacyPart | None = None


class SetInline(Action, frozen=True, tag="y"):
    """Turns the answers in other chats (inline mode) on or off for this person."""

    on: bool = False
