"""What a screen is made of. Nothing in it is mark-up: the renderer escapes every text."""

from dataclasses import dataclass

from handlers.actions import Action


@dataclass(frozen=True, slots=True)
class Button:
    """Something to tap: an action of this bot, or an address to open."""

    label: str
    does: Action | None = None
    url: str = ""


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, for what a portal shows as a table; a row may have a second line, or none (``""``)."""

    rows: tuple[tuple[str, ...], ...]
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Screen:
    """One message: the facts first, one line each, then the buttons, the most wanted first."""

    title: str = ""
    where: str = ""
    facts: tuple[str, ...] = ()
    table: Table | None = None
    note: str = ""
    keyboard: Keyboard = ()


def rows_of(buttons: list[Button], width: int) -> Keyboard:
    """Buttons side by side, ``width`` a row."""
    return tuple(tuple(buttons[i : i + width]) for i in range(0, len(buttons), width))


def choice(label: str, is_chosen: bool, action: Action) -> Button:
    """A button of several to choose from; what is chosen bears a check mark."""
    return Button(f"✓ {label}" if is_chosen else label, action)


def clip(text: str, length: int) -> str:
    """A text cut to a length, with an ellipsis where something is missing."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
