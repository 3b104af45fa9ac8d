"""What a failed call to Telegram tells of its outcome: only these failures say that nothing was done.

``telegram.error`` alone cannot: its ``TimedOut`` and ``NetworkError`` may both mean delivered.
"""


class NotDone(Exception):
    """Marks an error after which Telegram certainly did not do what it was asked."""


class NotSent(NotDone):
    """Marks an error after which not one byte of the request was written."""
