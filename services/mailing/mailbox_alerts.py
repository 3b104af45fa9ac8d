"""What the owner of a mailbox is told by mail of the chats that are linked through it."""

from mail.mailer import Mailer
from services.company import Company
from services.mailing.letters import copy_changed_letter, linked_letter, revoked_letter, unusual_requests_letter
from services.mailing.posting import post
from texts.language import Language


class MailboxAlerts:
    """Each is one mail. A mail that fails is logged: what it tells of has happened either way."""

    def __init__(self, mailer: Mailer, company: Company) -> None:
        self._mailer = mailer
        self._company = company.name
        self._support = company.support

    async def linked(self, email: str, language: Language, *, first_name: str) -> None:
        """A chat was linked."""
        letter = linked_letter(email, language, first_name=first_name, company=self._company, support=self._support)
        await post(self._mailer, letter)

    async def revoked(self, email: str, language: Language) -> None:
        """One linked chat put out another."""
        await post(self._mailer, revoked_letter(email, language, company=self._company, support=self._support))

    async def copy_changed(self, email: str, language: Language, *, account: str, stopped: bool) -> None:
        """A bookkeeper's copy was set up or stopped."""
        letter = copy_changed_letter(
            email, language, account=account, company=self._company, support=self._support, stopped=stopped
        )
        await post(self._mailer, letter)

    async def unusual_requests(self, email: str, language: Language) -> bool:
        """Strange chats asked for codes, or typed wrong ones. Returns: False where the mail did not go."""
        letter = unusual_requests_letter(email, language, company=self._company, support=self._support)
        return await post(self._mailer, letter)
