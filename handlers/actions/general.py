"""Actions that every chat has: first screen, settings, help."""

from dataclasses import dataclass
from enum import StrEnum

from handlers.actions.base import Action
from texts.language import Language


class ListStyle(StrEnum):
    """How a chat gets its lists."""

    LINES = "l"
    TABLES = "t"


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
    """The privacy policy."""
