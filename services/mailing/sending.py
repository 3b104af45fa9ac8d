"""Sends mails whose result no chat shows."""

import structlog

from mail.errors import MailError
from mail.mailer import Letter, Mailer
from services.retries import with_retries

_ATTEMPTS = 3

log = structlog.get_logger()


async def send_with_retries(mailer: Mailer, letter: Letter) -> bool:
    """Send a mail in up to three attempts, 1 s and 3 s apart. A mail that may have been sent is not sent again.

    A failure is only logged: in the chat it would reveal that the portal knows the address.

    Returns:
        False if the mail was not sent. True also if that is unknown.
    """
    try:
        await with_retries(
            lambda: mailer.send(letter), on=_is_retryable, attempts=_ATTEMPTS, wait_initial=1.0, wait_exp_base=3.0
        )
    except MailError as error:
        if error.is_uncertain:
            log.warning("mail.uncertain", error=str(error))
        elif _is_retryable(error):
            log.error("mail.not_sent", error=str(error))
        else:
            log.error("mail.refused", error=str(error))
        return error.is_uncertain
    return True


def _is_retryable(error: Exception) -> bool:
    """Return whether the letter was certainly not sent, and the server may accept it within seconds."""
    return isinstance(error, MailError) and not (error.is_uncertain or error.is_permanent or error.retry_after)
