"""Mails to people who are not waiting for them in a chat: retried where they certainly did not go."""

import asyncio

import structlog

from mail.errors import MailError, MailUnavailable
from mail.mailer import Letter, Mailer

_PAUSES = (0.0, 1.0, 3.0)

log = structlog.get_logger()


async def post(mailer: Mailer, letter: Letter) -> bool:
    """Sends a mail, up to three times where it certainly did not go.

    A failure is logged for the operator and told to nobody else: told in the chat, it would tell a stranger that the
    portal knows the address.

    Returns:
        False where the mail did not go. True also where nobody knows: a second mail would only confuse.
    """
    for last, pause in enumerate(_PAUSES, start=1):
        await asyncio.sleep(pause)
        try:
            await mailer.send(letter)
        except MailUnavailable as error:
            if error.written:
                log.warning("mail.uncertain", error=str(error))
                return True
            if last == len(_PAUSES):
                log.error("mail.not_sent", error=str(error))
        except MailError as error:
            log.error("mail.refused", error=str(error))
            return False
        else:
            return True
    return False
