"""Send mails to people who do not wait for them in a chat."""

import structlog

from mail.errors import MailError
from mail.mailer import Letter, Mailer
from services.retries import with_retries

_ATTEMPTS = 3

log = structlog.get_logger()


async def post(mailer: Mailer, letter: Letter) -> bool:
    """Send a mail, in up to three attempts while it certainly was not sent; the pauses are 1 s and 3 s.

    A failure is logged and not shown in the chat: there it would reveal that the portal knows the address.

    Returns:
        False if the mail was not sent. True also if that is unknown: a second mail would only confuse.
    """
    try:
        await with_retries(
            lambda: mailer.send(letter), on=_is_worth_a_retry, attempts=_ATTEMPTS, wait_initial=1.0, wait_exp_base=3.0
        )
    except MailError as error:
        if error.is_uncertain:
            log.warning("mail.uncertain", error=str(error))
        elif _is_worth_a_retry(error):
            log.error("mail.not_sent", error=str(error))
        else:
            log.error("mail.refused", error=str(error))
        return error.is_uncertain
    return True


def _is_worth_a_retry(error: Exception) -> bool:
    """Return whether the letter was certainly not sent, and may be accepted within seconds."""
    return isinstance(error, MailError) and not (error.is_uncertain or error.is_permanent or error.retry_after)
