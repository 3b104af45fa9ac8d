"""What every action has."""

from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

ActionT = TypeVar("ActionT", bound="Action")


class Action(Struct, frozen=True):
    """A request. The class argument ``tag`` names it in callback data; a letter is never reused for another action."""

    def shortened(self, _excess: int) -> "Action | None":
        """Return a similar action for a button whose callback data is ``excess`` bytes too long; None for none."""
        return None


class AccountAction(Action, frozen=True):
    """A request about one account."""

    link: int


def letter_of(kind: type[Action]) -> str:
    """Return the letter that names an action in callback data; empty for one that no button carries."""
    tag = kind.__struct_config__.tag
    return tag if isinstance(tag, str) else ""


def at_page(action: ActionT, page: int) -> ActionT:
    """Return the same list at another page."""
    return replace(action, page=page)
