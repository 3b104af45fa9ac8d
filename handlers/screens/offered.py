"""Takes the buttons of features that are off out of a screen."""

from collections.abc import Collection

from msgspec.structs import replace

from handlers.features import is_offered
from handlers.screens.screen import Button, Screen
from services.features import ALL_FEATURES, Feature


def with_offered_buttons(screen: Screen, features: Collection[Feature]) -> Screen:
    """Return a screen without the buttons of features that are off."""
    if len(features) == len(ALL_FEATURES):
        return screen

    def is_shown(button: Button) -> bool:
        return button.action is None or is_offered(button.action, features)

    rows = (tuple(button for button in row if is_shown(button)) for row in screen.keyboard)
    return replace(screen, keyboard=tuple(row for row in rows if row))
