"""Actions about invitations: the links to the bot that the portal gives its contacts."""

from dataclasses import dataclass

from handlers.actions.base import Action


@dataclass(frozen=True, slots=True)
class OpenInvitation(Action, letter="Y"):
    """Shows the accounts of an invitation that this chat has opened; ``sure`` links them."""

    invitation: int
    sure: bool = False


@dataclass(frozen=True, slots=True)
class DeclineInvitation(Action, letter="U"):
    """Closes an invitation that this chat has opened."""

    invitation: int
