"""Informs the owner of a mailbox by mail of events in the chats that are linked through it."""

from mail.mailer import Mailer
from services.company import Company
from services.mailing.letters import copy_changed_letter, linked_letter, revoked_letter, unusual_requests_letter
from services.mailing.sending import Pause, send_with_retries
from texts.language import Language


class MailboxAlerts:
    """Sends one mail per event. A failure is logged and not raised: the event has already happened.

    Args:
        pause: Waits before the next attempt; returns False as soon as the process stops.
    """

    def __init__(self, mailer: Mailer, company: Company, pause: Pause) -> None:
        self._mailer = mailer
        self._pause = pause
        self._company = company

    async def send_linked(self, email: str, language: Language, *, first_name: str) -> None:
        """Inform of a newly linked chat. ``first_name`` is the person's first name in Telegram."""
        letter = linked_letter(email, language, first_name=first_name, company=self._company)
        await send_with_retries(self._mailer, letter, self._pause)

    async def send_revoked(self, email: str, language: Language) -> None:
        """Inform that one linked chat removed another one."""
        letter = revoked_letter(email, language, company=self._company)
        await send_with_retries(self._mailer, letter, self._pause)

    async def send_copy_changed(self, email: str, language: Language, *, account: str, stopped: bool) -> None:
        """Inform that a bookkeeper's copy of an account was set up, or ``stopped``."""
        letter = copy_changed_letter(email, language, account=account, company=self._company, stopped=stopped)
        await send_with_retries(self._mailer, letter, self._pause)

    async def send_unusual_requests(self, email: str, language: Language) -> bool:
        """Warn that unlinked chats requested codes, or typed wrong ones. Returns: False where the mail was not sent."""
        letter = unusual_requests_letter(email, language, company=self._company)
        return await send_with_retries(self._mailer, letter, self._pause)
