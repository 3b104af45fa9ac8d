"""The privacy policy, built from the settings and the retention periods, for the chat and for the public page.

Every fact of the settings is optional except the person in charge, and has a whole sentence for its absence.
"""

import datetime
from enum import StrEnum

from msgspec import Struct

from services.company import Company
from services.privacy.periods import retention_sentences
from texts.catalogue import Texts
from texts.language import Language

TEXT_DATE = datetime.date(2026, 11, 27)
"""When the policy's sentences last changed in meaning. A test fails when they change, and says what to do."""
PATH = "/privacy"
"""Where the public endpoint serves the policy."""
_BETWEEN_LANGUAGES = " | "


class Topic(StrEnum):
    """The sections of the policy, in their order."""

    WHO = "who"
    WHAT = "what"
    WHERE = "where"
    KEPT = "kept"
    RIGHTS = "rights"
    CHANGES = "changes"


class PolicyFacts(Struct, frozen=True):
    """What the settings say about privacy; every text may be empty, and may have two languages (``in_language``).

    Args:
        address: The company's postal address.
        contact: Title and contact of the person in charge; empty only in the sandbox.
        hosting: Where the bot and its database run, and in which country.
        mail_host: Through whom mails are sent.
        regulator: The authority that takes complaints.
        backup_days: After how many days backups are deleted; 0 if it is not said.
        changed_on: When the operator last changed one of these; None if never.
    """

    address: str = ""
    contact: str = ""
    hosting: str = ""
    mail_host: str = ""
    regulator: str = ""
    backup_days: int = 0
    changed_on: datetime.date | None = None


class PolicySection(Struct, frozen=True):
    """A heading and its paragraphs, without mark-up."""

    topic: Topic
    heading: str
    paragraphs: tuple[str, ...]


def policy_url(base_url: str) -> str:
    """Return the address of the policy's public page; empty where the bot has no public URL."""
    return base_url + PATH if base_url else ""


def in_language(fact: str, language: Language) -> str:
    """Return a fact of the settings in a language: ``French | English``, or one text for both."""
    french, _, english = fact.partition(_BETWEEN_LANGUAGES)
    return (english if language.shipped is Language.EN and english else french).strip()


class Policy:
    """The privacy policy of a company.

    Args:
        saves_answers: Whether the portal's answers are saved for the time while it does not answer.
    """

    def __init__(self, company: Company, facts: PolicyFacts, *, saves_answers: bool) -> None:
        self._company = company
        self._facts = facts
        self._saves_answers = saves_answers

    @property
    def version(self) -> datetime.date:
        """The policy's date, which is its version: when its sentences or the operator's facts last changed.

        A date can be compared, is the same in every replica, and is what a reader asks for. A hash of the text would
        make a new version, and a notice to everybody, of each corrected comma.
        """
        return max(TEXT_DATE, self._facts.changed_on or TEXT_DATE)

    def sections(self, t: Texts) -> tuple[PolicySection, ...]:
        """Return the whole policy."""
        return (
            PolicySection(Topic.WHO, t("policy.who_title"), self._who(t)),
            PolicySection(Topic.WHAT, t("policy.what_title"), self._what(t)),
            PolicySection(Topic.WHERE, t("policy.where_title"), self._where(t)),
            PolicySection(Topic.KEPT, t("policy.kept_title"), self._kept(t)),
            PolicySection(Topic.RIGHTS, t("policy.rights_title"), self._rights(t)),
            PolicySection(Topic.CHANGES, t("policy.changes_title"), self._changes(t)),
        )

    def date(self, t: Texts) -> str:
        """Return the policy's version as a date in words."""
        return t.formats.long_date(self.version)

    def _who(self, t: Texts) -> tuple[str, ...]:
        company, support = self._company.name, self._company.support
        address = in_language(self._facts.address, t.language)
        contact = in_language(self._facts.contact, t.language)
        return (
            t("policy.who", company=company),
            *([t("policy.address", company=company, address=address)] if address else []),
            t("policy.contact", contact=contact) if contact else t("policy.no_contact", company=company),
            *([t("policy.support", support=support)] if support else []),
        )

    def _what(self, t: Texts) -> tuple[str, ...]:
        company = self._company
        return (
            t("policy.why"),
            t("policy.collected", company=company.name),
            t("policy.first_name"),
            t("policy.messages"),
            t("policy.saved_papers") if self._saves_answers else t("policy.papers"),
            *([t("policy.relayed", company=company.name)] if company.staff_chat is not None else []),
        )

    def _where(self, t: Texts) -> tuple[str, ...]:
        company = self._company.name
        hosting = in_language(self._facts.hosting, t.language)
        mail_host = in_language(self._facts.mail_host, t.language)
        return (
            t("policy.hosting", hosting=hosting) if hosting else t("policy.no_hosting", company=company),
            t("policy.operators", company=company),
            t("policy.mail_host", host=mail_host) if mail_host else t("policy.no_mail_host", company=company),
            t("policy.telegram"),
            t("policy.abroad"),
        )

    def _kept(self, t: Texts) -> tuple[str, ...]:
        days = self._facts.backup_days
        return (*retention_sentences(t), *([t.plural("policy.backups", days)] if days else []))

    def _rights(self, t: Texts) -> tuple[str, ...]:
        regulator = in_language(self._facts.regulator, t.language)
        return (
            t("policy.access"),
            t("policy.rectification"),
            t("policy.withdrawal"),
            t("policy.erasure"),
            t("policy.telegram_messages"),
            t("policy.regulator", regulator=regulator) if regulator else t("policy.no_regulator"),
        )

    def _changes(self, t: Texts) -> tuple[str, ...]:
        return (t("policy.version", date=self.date(t)), t("policy.changes"))
