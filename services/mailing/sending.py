"""Sends mails whose result no chat shows, and decides when a mail is tried again."""

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from mail.errors import MailError
from mail.mailer import Letter, Mailer

_SHORTEST_PAUSE = 2.0
_LONGEST_PAUSE = 300.0
_RETRIED_FOR = 1800.0
"""Seconds in which a mail whose result no chat shows is tried again. Greylisting takes minutes."""

Pause = Callable[[float], Awaitable[bool]]
"""Waits for some seconds. Returns False as soon as the process stops."""

log = structlog.get_logger()


def pause_after(elapsed: float) -> float:
    """Return the seconds before the next attempt, ``elapsed`` seconds after the first: a fifth of it, 2 to 300."""
    return min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, elapsed / 5))


def may_pass(error: MailError) -> bool:
    """Return whether a further attempt may succeed without an operator, a while later."""
    return not (error.is_permanent or error.retry_after)


def with_message_id(letter: Letter) -> Letter:
    """Give a letter the Message-ID of all its attempts, by which servers and readers recognise a doubled mail."""
    return replace(letter, message_id=letter.message_id or secrets.token_hex(16))


async def send_with_retries(mailer: Mailer, letter: Letter, pause: Pause) -> bool:
    """Send a mail, and again for up to 30 minutes. A mail that may have been sent is not sent again.

    A failure is only logged: in the chat it would reveal that the portal knows the address.

    Returns:
        False if the mail was not sent. True also if that is unknown.
    """
    letter, began = with_message_id(letter), time.monotonic()
    while True:
        try:
            await mailer.send(letter)
        except MailError as error:
            if error.is_uncertain:
                log.warning("mail.uncertain", error=str(error))
                return True
            seconds = pause_after(time.monotonic() - began)
            if may_pass(error) and time.monotonic() + seconds < began + _RETRIED_FOR and await pause(seconds):
                continue
            log.error("mail.not_sent" if may_pass(error) else "mail.refused", error=str(error))
            return False
        return True
