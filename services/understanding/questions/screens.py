"""Decide which screen a text asks for that is no list of orders or invoices: trouble, payment, copies, own data."""

from portal.models import Part
from services.understanding.questions.catalogue import Cue, catalogue
from services.understanding.questions.questions import Intent, Question, State
from services.understanding.questions.sightings import Sightings
from services.understanding.words import FILLERS
from texts.language import Language

_INTENTS = {
    "change_address": Intent.ACCOUNT,
    "erase": Intent.ERASE,
    "password": Intent.PORTAL,
    "my_data": Intent.MY_DATA,
    "privacy": Intent.PRIVACY,
    "calendar": Intent.CALENDAR,
}
_NOT_OF_PAPERS = frozenset({"my_data", "privacy", "calendar"})
_OTHER_STATES = frozenset(State) - {State.UNPAID}
_SPOKEN_OF = frozenset({*State, "paid_already", "payment_seen", "payment_sent", "owe", "off_topic", "trouble"})
"""Cues that say more than a period does."""
_MOST_WORDS_OF_NAME = 3
"""Words of ``my bookkeeper is Julie Roy`` without noise."""
_MOST_DIGITS_OF_COUNT = 2
TRANSPARENT = frozenset({
    *_INTENTS, "reminders", "copy", "bookkeeper", "pay", "due_dates", "trouble",
    "due_by", "as_of", "merged", "superlative", "fleet_count", "amount_limit",
    "dispute", "payment_seen", "payment_sent", "paid_already", "asks_paid", "total_paid", "amount_range",
})  # fmt: skip
"""Cues of these screens, and of what is said of payments, that leave shorter ones inside them as they are."""


def is_to_be_discussed(seen: Sightings) -> bool:
    """Return whether somebody says that an amount is wrong, or that they have paid."""
    if seen.has("payment_sent") and not seen.has("asks_paid", "payment_seen"):
        return True
    return seen.has("dispute") or (seen.has("paid_already") and not seen.has("asks_paid") and bool(seen.numbers))


def screen_of(seen: Sightings) -> Question | None:
    """Return what is asked for besides orders, invoices and help; None for nothing, and where a number is named."""
    if any(_counts_devices(cue, seen) for cue in seen.cues):
        return Question(Intent.PERSON)
    if any(number.part for number in seen.numbers) or (seen.amounts and seen.parts):
        return None
    if seen.has("fleet_count"):
        return Question(Intent.LIST, Part.ORDERS, State.ACTIVE)
    if seen.has("trouble") and not seen.has("change_address"):
        return Question(Intent.PERSON)
    if seen.numbers:
        return None
    is_about_bot = seen.has("help")  # « que savez-vous faire »
    for name, intent in _INTENTS.items():
        is_other = name in _NOT_OF_PAPERS and (seen.parts or seen.periods)
        if seen.has(name) and not is_other and not (name == "my_data" and is_about_bot):
            return Question(intent)
    is_of_paper = seen.has("statement", "pdf") or bool(seen.periods or seen.latest)
    is_named = seen.has("bookkeeper") and not seen.parts and 1 < len(seen.words) <= _MOST_WORDS_OF_NAME
    if (seen.has("copy") or is_named) and not is_of_paper:
        return Question(Intent.COPY)
    if seen.has("balance", "how_much", "owe"):
        return None
    if seen.has("payment_seen"):
        return Question(Intent.BALANCE)
    if seen.has("pay") and not (is_of_paper or seen.has("overdue")):
        return Question(Intent.LIST, Part.INVOICES, State.UNPAID)
    return Question(Intent.BALANCE) if _asks_due_dates(seen) else None


def language_of(seen: Sightings, chat: Language) -> Language | None:
    """Return the language to change to: the one that is named and not refused, the last of two."""
    named = [
        (cue.start, language)
        for cue in seen.cues
        for name, language in (("language_fr", Language.FR), ("language_en", Language.EN))
        if cue.name == name
    ]
    if not named:
        is_of_two = len(Language.offered()) == 2
        return chat.other if is_of_two and seen.has("change_language") else None
    refused = {cue.end for cue in seen.cues if cue.name == "not_language"}
    refused |= {cue.start - 1 for cue in seen.cues if cue.name == "bad_language"}
    wanted = [language for at, language in sorted(named) if at not in refused]
    return wanted[-1] if wanted else sorted(named)[-1][1].other


def is_only_period(seen: Sightings) -> bool:
    """Return whether a text names a period and nothing else: « le mois passé », ``I meant September``."""
    spans = seen.periods[0].spans if seen.periods else ()
    is_to_come = any(span.start is not None and span.start > seen.today for span in spans)  # "see you next week"
    if not spans or is_to_come or any(span.is_day for span in spans) or seen.latest or seen.amounts:
        return False
    words = set(seen.words) - catalogue().lists["again"] - catalogue().light - FILLERS - {"{period}"}
    return not words and not any(cue.name in _SPOKEN_OF for cue in seen.cues)


def is_about_due_day(seen: Sightings) -> bool:
    """Return whether what is owed is asked for up to a day, ``due before Dec 5``, or as of one, « à ce jour »."""
    (span, *_), state = seen.periods[0].spans, seen.state
    is_to_come = span.end is None or span.end >= seen.today
    if seen.has("due_by") and (span.start is None or is_to_come):
        return True
    is_owed = state in (State.UNPAID, State.OVERDUE) or seen.has("balance", "due")
    is_today = span.start == seen.today
    return is_owed and (is_today or (span.is_day and seen.is_plural and seen.has("as_of")))


def is_of_device(seen: Sightings) -> bool:
    """Return whether a device or a vehicle is spoken of, and no account."""
    is_device = seen.has_word("tracking_device") or (seen.has_word("device_word") and seen.has_word("unplugged"))
    return (is_device or seen.has_word("fleet")) and not seen.has_word("account")


def _counts_devices(cue: Cue, seen: Sightings) -> bool:
    """Whether a number is how many are to be ordered: ``order 3 more trackers``."""
    counted = seen.words[cue.start : cue.end].count("{number}")
    few = [number for number in seen.numbers if len(number.text) <= _MOST_DIGITS_OF_COUNT]
    return cue.name == "trouble" and counted == len(seen.numbers) == len(few) == 1


def _asks_due_dates(seen: Sightings) -> bool:
    return seen.has("due_dates") and not seen.parts and not seen.periods and not seen.has(*_OTHER_STATES)
