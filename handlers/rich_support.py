"""Whether this process sends rich messages, and what became of them."""

from collections import Counter

from msgspec import Struct, field

OUTCOMES = ("sent", "unknown", "content", "too_long")
"""Accepted; refused because the server does not know rich messages; refused for its content; not tried, because it has
more text than a rich message may have. All but the first were sent as text messages."""


class RichSupport(Struct):
    """Shared by answers and notices. A server that does not know rich messages is not asked again until the next start.

    ``is_available`` says whether chats may choose tables: ``ODOBOT_RICH_TABLES`` permits it, and the server has not
    refused them. ``outcomes`` counts by ``OUTCOMES``.
    """

    is_available: bool = False
    outcomes: Counter[str] = field(default_factory=Counter)
