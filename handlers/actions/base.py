"""What every action has."""

from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

ActionT = TypeVar("ActionT", bound="Action")


class Action:
    """A request. The class argument ``letter`` names it in callback data, and is never reused for another action."""

    letter: ClassVar[str] = ""

    def __init_subclass__(cls, *, letter: str = "") -> None:
        if letter:  # a dataclass with slots is created twice, the second time without arguments
            cls.letter = letter

    def shortened(self, _excess: int) -> "Action | None":
        """Return a similar action for a button whose callback data is ``excess`` bytes too long; None for none."""
        return None


@dataclass(frozen=True, slots=True)
class AccountAction(Action):
    """A request about one account."""

    link: int


def at_page(action: ActionT, page: int) -> ActionT:
    """Return the same list at another page."""
    return replace(action, page=page)  # type: ignore[type-var]
