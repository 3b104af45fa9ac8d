"""Actions about invitations: the links to the bot that the portal gives its contacts."""

from handlers.actions.base import Action


class OpenInvitation(Action, frozen=True, tag="Y"):
    """Shows the accounts of an invitation that this chat has opened; ``sure`` links them."""

    invitation: int
    sure: bool = False


class DeclineInvitation(Action, frozen=True, tag="U"):
    """Closes an invitation that this chat has opened."""

    invitation: int
