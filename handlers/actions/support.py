"""Actions about a conversation with the company's staff."""

from handlers.actions.base import Action
from portal.models import Part


class TalkToPerson(Action, frozen=True, tag="Q"):
    """Begins a conversation with the staff, or tells how to reach them.

    ``link`` is 0 for the chat's current account; ``part`` and ``number`` name the order or invoice in question, if any.
    """

    link: int = 0
    part: Part | None = None
    number: str = ""


class EndConversation(Action, frozen=True, tag="G"):
    """Ends the conversation with the staff."""


class PassOn(Action, frozen=True, tag="M"):
    """Relays the message that began the conversation to the staff; ``message`` is its id in the person's chat."""

    message: int
