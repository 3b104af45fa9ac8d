"""Failed calls to Telegram: only the errors here say that Telegram certainly did nothing.

``telegram.error`` alone cannot say it: its ``TimedOut`` and ``NetworkError`` may both mean delivered.
"""


class NotDone(Exception):
    """Marks an error after which Telegram certainly did not carry out the request."""


class NotSent(NotDone):
    """Marks an error after which not one byte of the request was written."""
