"""Decide what a question in words means: nothing, one clear reading, or two between which the person chooses."""

import dataclasses
import datetime
from collections.abc import Iterable

from msgspec.structs import replace

from portal.models import Part
from services.understanding.questions.catalogue import Cue, catalogue
from services.understanding.questions.nouns import Number
from services.understanding.questions.questions import FileFormat, Intent, Question, State
from services.understanding.questions.screens import (
    TRANSPARENT,
    is_about_due_day,
    is_of_device,
    is_only_period,
    is_to_be_discussed,
    language_of,
    screen_of,
)
from services.understanding.questions.sentences import tokens_of
from services.understanding.questions.sightings import Sightings, sighted
from texts.language import Language

LONGEST = 300
"""Characters of the longest question; a longer text is none."""
_PARTS_OF_STATES = {
    State.UNPAID: Part.INVOICES, State.OVERDUE: Part.INVOICES, State.PAID: Part.INVOICES, State.CREDIT: Part.INVOICES,
    State.ENDING: Part.ORDERS, State.ACTIVE: Part.ORDERS, State.ENDED: Part.ORDERS,
}  # fmt: skip
_STATES_OF_ORDERS = frozenset({State.ENDING, State.ACTIVE, State.ENDED})
_TRANSPARENT = TRANSPARENT | {"balance", "due", "how_much", "owe", "list", "refusal", "keep"}
"""Cues that leave shorter ones inside them as they are."""
Readings = tuple[Question, ...]


def read_question(text: str, today: datetime.date, language: Language) -> Readings:
    """Return what a text asks for.

    Args:
        text: What a person typed, in either language.
        today: The date in the company's time zone.
        language: The chat's, in which numeric dates are read where the text does not show its language.

    Returns:
        None; one; or several that are equally likely, or of which the text asks for each. ``UNLINK`` and
        ``STOP_NOTICES`` ask for confirmation.
    """
    if len(text) > LONGEST:
        return ()
    seen = sighted(tokens_of(text), catalogue(), today, language)
    seen = replace(seen, cues=_outermost(seen.cues))
    if seen.periods and is_about_due_day(seen):  # the periods of lists are those of the invoices' dates
        seen = replace(seen, periods=())
    if seen.has("superlative") and (seen.parts or seen.is_light) and not (seen.amounts or seen.numbers):
        seen = replace(seen, parts=seen.parts or (Part.INVOICES,))
        return tuple(dataclasses.replace(each, compares_amounts=True) for each in _service(seen, language))
    if seen.has("amount_range"):  # the portal's lists have no such filter: whoever asks for these finds them there
        parts = seen.parts or (Part.INVOICES,)
        ranges = [seen.words[cue.start : cue.end] for cue in seen.cues if cue.name == "amount_range"]
        is_limit = bool(seen.amounts) and seen.has("amount_limit")
        periods = () if is_limit or any("{period}" in each for each in ranges) else seen.periods
        seen = replace(seen, amounts=(), numbers=(), periods=periods, parts=parts, is_plural=True)
        return tuple(dataclasses.replace(each, compares_amounts=True) for each in _service(seen, language))
    has_any = seen.cues or seen.numbers or seen.parts or seen.periods or seen.amounts or seen.latest
    return _service(seen, language) if has_any else ()


def _outermost(cues: Iterable[Cue]) -> tuple[Cue, ...]:
    """Leave out cues inside a longer one: « pas payées » is not « payées »."""
    every = tuple(cues)
    longer = [cue for cue in every if cue.name not in _TRANSPARENT and cue.end - cue.start > 1]
    return tuple(cue for cue in every if cue.name == "keep" or not any(_is_inside(cue, each) for each in longer))


def _is_inside(cue: Cue, other: Cue) -> bool:
    return other.start <= cue.start and cue.end <= other.end and other.end - other.start > cue.end - cue.start


def _service(seen: Sightings, language: Language) -> Readings:
    """Decide between what concerns the bot itself, and orders and invoices."""
    lost = [range(cue.start, cue.end) for cue in seen.cues if cue.name == "help_word"]  # "I don't get it"
    refusals = [
        cue
        for cue in seen.cues
        if cue.name in ("refusal", "keep") and not any(cue.start in each and cue.end - 1 in each for each in lost)
    ]
    if seen.has("quiet"):
        return (Question(Intent.QUIET),)
    asking = [
        intent
        for name, intent in (("stop_notices", Intent.STOP_NOTICES), ("unlink", Intent.UNLINK))
        if not (intent is Intent.UNLINK and (seen.has("erase") or is_of_device(seen)))
        and any(cue.name == name and not _is_refused(cue, refusals, seen.words) for cue in seen.cues)
    ]
    if asking:
        is_both = len(asking) == 2 and seen.has_word("also")
        return tuple(Question(intent) for intent in (asking if is_both else asking[:1]))
    if seen.has("unlink") and is_of_device(seen):  # « le GPS est débranché »
        return (Question(Intent.PERSON),)
    is_affirmed = not seen.has_word("negation") and not seen.numbers
    if seen.has("reminders") and is_affirmed:
        return (Question(Intent.NOTICES),)
    is_refused = bool(refusals) or seen.has("stop_notices") or (seen.has("unlink") and not seen.has("erase"))
    if is_refused and not (seen.has("not_language") and seen.has("language_fr", "language_en")):
        return ()
    if (wanted := language_of(seen, language)) is not None and not seen.has("off_topic") and not seen.numbers:
        return (Question(Intent.LANGUAGE, language=wanted),)
    is_other_language = seen.has("change_language") and len(Language.offered()) > 2
    if is_other_language and not seen.has("language_fr", "language_en", "off_topic") and not seen.numbers:
        return (Question(Intent.LANGUAGE),)
    if is_to_be_discussed(seen):
        return _to_be_discussed(seen)
    if seen.has("person") or (seen.has("person_alone") and seen.is_light and not seen.has("off_topic")):
        return (Question(Intent.PERSON),)
    if (screen := screen_of(seen)) is not None:
        return (screen,)
    if seen.has("help") and not (
        seen.has("off_topic") or seen.numbers or seen.amounts or seen.periods or seen.latest or seen.state
    ):
        return (Question(Intent.HELP),)
    is_certain = any(number.part for number in seen.numbers) or (seen.amounts and seen.parts)
    if seen.has("off_topic") and not is_certain:
        return ()
    return _papers(seen) or (
        (Question(Intent.HELP),) if seen.has("help", "help_word") or (seen.has("help_alone") and seen.is_light) else ()
    )


def _to_be_discussed(seen: Sightings) -> Readings:
    """Return the person who can change what the text is about, after the invoices that it names."""
    if seen.numbers:
        return (*_by_number(seen, Intent.OPEN)[:2], Question(Intent.PERSON))
    amounts = (Question(Intent.LIST, Part.INVOICES, amount=amount) for amount in seen.amounts[:1])
    return (*amounts, Question(Intent.PERSON))


def _is_refused(cue: Cue, refusals: Iterable[Cue], words: tuple[str, ...]) -> bool:
    """Whether a negation outside of a cue refuses it: ``don't unlink``. « ne veux plus de rappels » has its own."""
    for refusal in refusals:
        negations = [at for at in range(refusal.start, refusal.end) if words[at] in catalogue().lists["negation"]] or [
            refusal.start
        ]
        if refusal.name == "keep" or not cue.start <= negations[0] < cue.end:
            return True
    return False


def _papers(seen: Sightings) -> Readings:
    """Decide what is asked about orders, invoices and the account."""
    is_balance_too = seen.has("balance") and seen.has_word("also")
    if seen.has("statement") and not seen.has("not_statement"):
        statement = _over_periods(Question(Intent.STATEMENT, format=_format(seen)), seen)
        return (Question(Intent.BALANCE), *statement) if is_balance_too else statement
    is_exported = _format(seen) not in (None, FileFormat.PDF) and bool(seen.parts or seen.periods)
    if is_exported and not seen.numbers:
        return _over_periods(Question(Intent.STATEMENT, format=_format(seen)), seen)
    if seen.has("pdf") or (seen.has("download") and (seen.parts or seen.numbers)):
        return (*_pdf(seen)[:1], Question(Intent.BALANCE)) if is_balance_too else _pdf(seen)
    if seen.numbers:
        opened = _by_number(seen, Intent.OPEN)
        return (*opened[:1], Question(Intent.BALANCE)) if is_balance_too else opened
    if seen.has("total_paid") and seen.state not in (State.UNPAID, State.OVERDUE):
        return _over_periods(Question(Intent.STATEMENT), seen)
    if is_balance_too and len(seen.parts) == 1 and seen.state is None and not seen.amounts:
        return (Question(Intent.BALANCE), *_list_or_open(seen)[:1])
    if (balance := _balance(seen)) is not None:
        return balance
    if is_balance_too and seen.has("owe"):
        return (Question(Intent.BALANCE), *_list_or_open(seen)[:1])
    return _list_or_open(seen)


def _format(seen: Sightings) -> FileFormat | None:
    return next(
        (each for each in (FileFormat.XLSX, FileFormat.CSV, FileFormat.ZIP, FileFormat.PDF) if seen.has(each)), None
    )


def _over_periods(question: Question, seen: Sightings) -> Readings:
    """Return the question for each meaning of the period: two for an ambiguous one."""
    if not seen.periods:
        return (question,)
    return tuple(dataclasses.replace(question, start=span.start, end=span.end) for span in seen.periods[0].spans[:2])


def _by_number(seen: Sightings, intent: Intent) -> Readings:
    """Return the question for one number, or for two; for a number that may be an amount or a year, both readings."""
    is_pdf = intent is Intent.PDF
    if not is_pdf and len(seen.parts) == 2 and len(seen.numbers) == 1 and seen.numbers[0].part is Part.ORDERS:
        return (Question(Intent.LIST, Part.INVOICES, number=seen.numbers[0].text),)
    if len(seen.numbers) > 1:
        unique = dict.fromkeys(number.text for number in seen.numbers)
        parts = {number.text: _part_beside(number, seen) for number in seen.numbers}
        found = tuple(Question(intent, None if is_pdf else parts[text], number=text) for text in unique)
        return found if len(found) <= 2 else ()
    number = seen.numbers[0]
    part = None if is_pdf else _part_beside(number, seen)
    question = Question(intent, part, number=number.text)
    if number.year is not None:
        listing = Question(Intent.PDF if is_pdf else Intent.LIST, part, state=seen.state)
        span = number.year.spans[0]
        return question, dataclasses.replace(listing, start=span.start, end=span.end)
    if number.amount is not None:
        return question, Question(intent, part, amount=number.amount)
    return (question,)


def _part_beside(number: Number, seen: Sightings) -> Part | None:
    return number.part or (seen.parts[0] if len(seen.parts) == 1 else None)


def _pdf(seen: Sightings) -> Readings:
    question = Question(Intent.PDF, state=seen.state, format=FileFormat.MERGED if seen.has("merged") else None)
    if seen.numbers:
        return _by_number(seen, Intent.PDF)
    if seen.latest is not None:
        return (dataclasses.replace(question, state=None, latest=seen.latest),)
    if seen.amounts:
        question = dataclasses.replace(question, amount=seen.amounts[0])
    return _over_periods(question, seen)


def _balance(seen: Sightings) -> Readings | None:
    """Return the balance, alone or beside the unpaid invoices; None if invoices are asked for."""
    if seen.has("due") and not seen.parts and not seen.has("owe"):
        unpaid = Question(Intent.LIST, Part.INVOICES, State.UNPAID)
        return (Question(Intent.BALANCE),) if seen.has("of_account") else (Question(Intent.BALANCE), unpaid)
    if seen.latest is not None or seen.amounts or seen.state in _STATES_OF_ORDERS:
        return None
    if seen.parts and seen.state is State.UNPAID and not seen.has("owe", "how_much"):
        return None
    if seen.has("balance") and not (seen.is_plural and seen.state in (State.UNPAID, State.OVERDUE)):
        return (Question(Intent.BALANCE),)
    is_total = seen.has("how_much") and not seen.parts and seen.state is State.UNPAID
    return (Question(Intent.BALANCE),) if is_total else None


def _list_or_open(seen: Sightings) -> Readings:
    state = seen.state
    parts = _parts(seen, state)
    if seen.asks_whether_paid and state is State.PAID and (parts or seen.has("both")):
        if not (seen.latest or seen.periods or seen.amounts):
            return (Question(Intent.BALANCE),)
        state = None  # each row says it
    if not parts:
        is_one = bool(seen.amounts) and not seen.cues and seen.is_light  # « celle de 1293,08 »
        return (Question(Intent.OPEN, amount=seen.amounts[0]),) if is_one else ()
    found: list[Question] = []
    for part in parts:
        found += _list_or_open_part(seen, part, state)
    return tuple(found[:2])


def _parts(seen: Sightings, state: State | None) -> tuple[Part, ...]:
    if state is State.CREDIT:
        return (Part.INVOICES,)
    if len(seen.parts) == 1:
        return seen.parts
    if seen.parts:
        return Part.ORDERS, Part.INVOICES
    is_asked = seen.has_word("asking")
    if is_only_period(seen) or (seen.latest and not seen.cues and seen.is_light):
        return (Part.INVOICES,)
    is_told = (state is State.PAID and not (seen.periods and is_asked)) or (state in _STATES_OF_ORDERS and not is_asked)
    if not seen.is_light or (is_told and not seen.has("both")):
        return ()  # "i paid" asks for nothing
    if state in _PARTS_OF_STATES:
        return (_PARTS_OF_STATES[state],)
    return (Part.ORDERS, Part.INVOICES) if seen.has("both") and (seen.periods or state) else ()


def _asks_of_latest(seen: Sightings) -> bool:
    """Whether the latest one is asked for: ``did I pay my last invoice``; not « la dernière qu'on a payée »."""
    paid = [cue.start for cue in seen.cues if cue.name == "paid"]
    is_question = not {"did", "esce"}.isdisjoint(seen.words)
    return not seen.has("paid_adjective") and (is_question or min(paid) < seen.words.index("{latest}"))


def _list_or_open_part(seen: Sightings, part: Part, state: State | None) -> Iterable[Question]:
    question = Question(Intent.LIST, part, state)
    if seen.latest == 1 and (state is None or (state is State.PAID and _asks_of_latest(seen))):
        return [Question(Intent.OPEN, part, latest=1)]
    if seen.latest is not None:
        question = dataclasses.replace(question, latest=seen.latest)
    if seen.amounts:
        is_one = not (seen.is_plural or seen.periods or state or seen.latest)
        question = dataclasses.replace(question, intent=Intent.OPEN if is_one else Intent.LIST, amount=seen.amounts[0])
    if not seen.periods:
        return [question]
    found = []
    periods = seen.periods[:2] if seen.has_word("also") else seen.periods[:1]
    for span in [span for period in periods for span in period.spans]:
        is_one = span.is_day and not seen.is_plural and state is None and not seen.amounts
        intent = Intent.OPEN if is_one else Intent.LIST
        found.append(dataclasses.replace(question, intent=intent, start=span.start, end=span.end))
    return found
