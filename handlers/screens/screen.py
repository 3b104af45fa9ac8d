"""The parts of a screen. Their texts contain no mark-up: the renderer escapes each of them."""

from msgspec import Struct

from handlers.actions import Action


class Button(Struct, frozen=True):
    """A button with an action of the bot; without one, with a URL to open, or with a text to copy.

    ``is_primary`` shows it in the client's color for the main choice of a screen.
    """

    label: str
    action: Action | None = None
    url: str = ""
    copied_text: str = ""
    is_primary: bool = False


_HALF_WIDTH = 20
"""Characters of a label that half the width of a telephone (390 px) shows."""
Keyboard = tuple[tuple[Button, ...], ...]


class Table(Struct, frozen=True):
    """Rows of as many cells each. ``details`` is empty, or has a second line for each row; ``""`` means no second line.

    ``actions`` is empty, or has what each row opens, which a button of the keyboard does as well. ``opener`` is the
    index of the cell that a renderer makes a button of.
    """

    rows: tuple[tuple[str, ...], ...]
    details: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    opener: int = 0


class Section(Struct, frozen=True):
    """Lines below a heading, which a renderer may fold."""

    heading: str
    lines: tuple[str, ...]


class Screen(Struct, frozen=True):
    """One message: facts of one line each, and buttons, with the most useful one first.

    ``position`` says which rows of a list are shown, ``lead`` is a sentence before the title. An empty text or tuple
    omits its part of the message.
    """

    title: str = ""
    position: str = ""
    facts: tuple[str, ...] = ()
    section: Section | None = None
    table: Table | None = None
    note: str = ""
    keyboard: Keyboard = ()
    lead: str = ""


def rows_of(buttons: list[Button], width: int) -> Keyboard:
    """Return the buttons in rows of ``width``."""
    return tuple(tuple(buttons[i : i + width]) for i in range(0, len(buttons), width))


def paired(buttons: list[Button]) -> Keyboard:
    """Return the buttons in rows of two, or each in its own row if a label is too long for half a telephone's width."""
    return rows_of(buttons, 2 if all(len(button.label) <= _HALF_WIDTH for button in buttons) else 1)


def choice(label: str, is_chosen: bool, action: Action) -> Button:
    """Return a button for one of several choices, with a check mark if it is the chosen one."""
    return Button(f"✓ {label}" if is_chosen else label, action)


def clip(text: str, length: int) -> str:
    """Return the text, cut to ``length`` characters; an ellipsis replaces the missing part."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
