"""What a call to Telegram tells of its outcome: only these failures say that nothing was done, and a message that was
sent is read back only where somebody wants it.

``telegram.error`` alone cannot say it: its ``TimedOut`` and ``NetworkError`` may both mean delivered.
"""

from contextvars import ContextVar

echo_wanted: ContextVar[bool] = ContextVar("echo_wanted", default=False)
"""Whether who sends a text reads the message that Telegram gives back; building its objects is not for nothing."""


class NotDone(Exception):
    """Marks an error after which Telegram certainly did not do what it was asked."""


class NotSent(NotDone):
    """Marks an error after which not one byte of the request was written."""
