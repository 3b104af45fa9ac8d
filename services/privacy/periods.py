"""How long what is kept, in sentences."""

import datetime

from services.retention import Category, periods
from texts.catalogue import Texts, message_id

_SENTENCES = {
    Category.ACCOUNT: message_id("policy.kept_account"),
    Category.UNLINKED: message_id("policy.kept_unlinked"),
    Category.CODES: message_id("policy.kept_codes"),
    Category.GUESSES: message_id("policy.kept_guesses"),
    Category.NOTICES: message_id("policy.kept_notices"),
    Category.REMINDERS: message_id("policy.kept_reminders"),
    Category.COPIES: message_id("policy.kept_copies"),
    Category.SUPPORT: message_id("policy.kept_support"),
    Category.LISTS: message_id("policy.kept_lists"),
    Category.PACKS: message_id("policy.kept_packs"),
    Category.DOCUMENTS: message_id("policy.kept_documents"),
    Category.CALENDAR: message_id("policy.kept_calendar"),
    Category.INVITATIONS: message_id("policy.kept_invitations"),
    Category.UPDATES: message_id("policy.kept_updates"),
}
_HOUR, _DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


def retention_sentences(t: Texts) -> list[str]:
    """Return one sentence for each category of what is kept."""
    return [t(_SENTENCES[category], period=_period(t, period)) for category, period in periods()]


def _period(t: Texts, period: datetime.timedelta | None) -> str:
    """Return a period in whole days, or in whole hours below two days, rounded up; None: until unlinking."""
    if period is None:
        return t("policy.until_unlinked")
    if period < 2 * _DAY:
        return t.plural("policy.for_hours", -(-period // _HOUR))
    return t.plural("policy.for_days", -(-period // _DAY))
