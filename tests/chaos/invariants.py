"""What must hold of a history: everybody is answered and told, in order, and nothing twice without reason."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.history import REPEATED, Answer, History, Text, Told

STOP_LIMIT_SECONDS = 10.5
"""Ten seconds, and half a second for the end of the process."""
MEMORY_FACTOR = 2.5
"""How much larger than after its start the process may be at the end."""
_ENDINGS = ("kill", "ended", "database")
"""Incidents after which what was in progress may be done again."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that does not hold. ``at``: when it began; 0: at the end. ``chat``: whose, if one's."""

    rule: str
    what: str
    at: float = 0.0
    chat: int | None = None


def check(history: History) -> list[Violation]:
    """Return every violation, in order of time."""
    found = [*_answered(history), *_in_order(history), *_told(history), *_not_repeated(history), *_ended_well(history)]
    return sorted(found, key=lambda each: each.at)


def unanswered(history: History) -> list[Text]:
    """Return the texts without an answer.

    An answer names the text's number. An excuse does not: it counts for one earlier text of its chat without another
    answer.
    """
    numbers = {(each.chat, each.number) for each in history.answers if each.number}
    excuses = defaultdict(list)
    for each in history.answers:
        if not each.number and each.is_new:
            excuses[each.chat].append(each.at)
    missing = []
    for text in history.texts:
        if (text.chat, text.number) in numbers:
            continue
        later = [at for at in excuses[text.chat] if at >= text.at]
        if later:
            excuses[text.chat].remove(later[0])
        else:
            missing.append(text)
    return missing


def repeated(history: History) -> dict[tuple[int, str], list[Answer]]:
    """Return the answers of each text that has more than one, by chat and number."""
    by_text: dict[tuple[int, str], list[Answer]] = defaultdict(list)
    for answer in history.answers:
        if answer.number and answer.is_new:
            by_text[answer.chat, answer.number].append(answer)
    return {text: answers for text, answers in by_text.items() if len(answers) > 1}


def untold(history: History) -> list[tuple[float, str, str, int | str]]:
    """Return what was never told: time, kind and number of the event, and the chat or address."""
    told = {(each.to, each.kind, each.number) for each in history.told}
    missing: list[tuple[float, str, str, int | str]] = []
    for event in history.events:
        # What is not sent when the link ends is cancelled.
        chats = event.chats if event.kind == "removed" else event.chats - history.removed.keys()
        due: list[tuple[int | str, str]] = [(chat, event.kind) for chat in sorted(chats)]
        due += [(to, "copy") for to in sorted(event.addresses)]
        missing += [
            (event.at, kind, event.number, to)
            for to, kind in due
            if (to, kind, event.number) not in told and not _is_needless(history, to, kind, event.number)
        ]
    return missing


def unclear_twice(history: History) -> list[tuple[int | str, str, str]]:
    """Return the deliveries whose marked repetition was unclear, too: recipient, kind and number.

    Decision 15 leaves them to the operator: ``odobot notices`` lists them.
    """
    return [key for key, state in history.states.items() if state.startswith(f"uncertain {REPEATED}")]


def _is_needless(history: History, to: int | str, kind: str, number: str) -> bool:
    """Whether nobody can be told, or need be: the copies are refused or paused, the paper was opened, twice unclear."""
    state = history.states.get((to, kind, number), "")
    if kind == "copy" and (state.startswith("blocked") or to in history.paused):
        return True
    return state.startswith(("cancelled seen", f"cancelled {REPEATED} seen", f"uncertain {REPEATED}"))


def told_twice(history: History) -> list[tuple[Told, str]]:
    """Return the notices that are not marked though told before, or are marked and told more than once."""
    found = []
    seen: dict[tuple[int | str, str, str], list[bool]] = defaultdict(list)
    for each in history.told:
        before = seen[each.to, each.kind, each.number]
        if before and not each.is_marked:
            found.append((each, "without a mark"))
        elif each.is_marked and True in before:
            found.append((each, "and marked more than once"))
        before.append(each.is_marked)
    return found


def _answered(history: History) -> Iterator[Violation]:
    for text in unanswered(history):
        yield Violation("every text is answered", f"{text.number} was not", text.at, text.chat)
    typed = {(text.chat, text.number): text for text in history.texts}
    for (chat, number), answers in repeated(history).items():
        text = typed[chat, number]
        reasons = sum(
            text.at <= each.until and each.at <= answers[-1].at
            for each in history.incidents
            if each.what.startswith(_ENDINGS) or (each.what == "unclear" and each.chat == chat)
        )
        if len(answers) > 1 + reasons:
            what = f"{number} was, {len(answers)} times, with {reasons} kills and unclear failures in between"
            yield Violation("no text is answered twice without reason", what, text.at, chat)


def _in_order(history: History) -> Iterator[Violation]:
    """Compare the first answers of a chat with the order of its texts.

    An excuse is the first answer of the oldest text of its chat that had none. After a kill, or a stop that could not
    confirm what was handled, that text may be answered again, by its number, after later ones.
    """
    texts = defaultdict(list)
    for text in history.texts:
        texts[text.chat].append(text)
    numbered = {(each.chat, each.number) for each in history.answers if each.number}
    by_chat = defaultdict(list)
    for answer in history.answers:
        if answer.is_new:
            by_chat[answer.chat].append(answer)
    for chat, answers in by_chat.items():
        waiting = list(texts[chat])
        for answer in answers:
            if not answer.number:
                if waiting and waiting[0].at <= answer.at:
                    del waiting[0]
                continue
            text = next((each for each in waiting if each.number == answer.number), None)
            if text is None:
                continue
            position = waiting.index(text)
            for before in waiting[:position]:
                if (chat, before.number) in numbered:
                    what = f"{text.number} was answered before {before.number}, which was typed earlier"
                    yield Violation("answers keep the order of the texts", what, text.at, chat)
            del waiting[: position + 1]


def _told(history: History) -> Iterator[Violation]:
    for at, kind, number, to in untold(history):
        chat = to if isinstance(to, int) else None
        state = history.states.get((to, kind, number), "no delivery")
        yield Violation("everybody is told every event", f"{kind} {number} was not told to {to}: {state}", at, chat)
    due = {(chat, event.kind, event.number) for event in history.events for chat in event.chats}
    due |= {(address, "copy", event.number) for event in history.events for address in event.addresses}
    for each in history.told:
        if (each.to, each.kind, each.number) not in due:
            chat = each.to if isinstance(each.to, int) else None
            yield Violation("nobody is told what is not theirs", f"{each.kind} {each.number}: {each.to}", each.at, chat)


def _not_repeated(history: History) -> Iterator[Violation]:
    for each, how in told_twice(history):
        chat = each.to if isinstance(each.to, int) else None
        what = f"{each.kind} {each.number} was told to {each.to} again, {how}"
        yield Violation("nothing is told twice without a mark", what, each.at, chat)


def _ended_well(history: History) -> Iterator[Violation]:
    end = history.end
    for each in history.incidents:
        if each.what == "ended":
            yield Violation("the process never ends by itself", each.detail, each.at)
    if not end.is_alive:
        yield Violation("the process runs at the end", "it does not")
    for reason in end.not_ready:
        yield Violation("the process is ready at the end", reason)
    if end.unsettled:
        yield Violation("every delivery has a final state", f"{end.unsettled} have none")
    first, last = end.memory
    if first and last > first * MEMORY_FACTOR:
        yield Violation("memory is bounded", f"{first:.0f} MB after the start, {last:.0f} MB at the end")
    for seconds in end.stops:
        if seconds > STOP_LIMIT_SECONDS:
            yield Violation("SIGTERM ends the process within ten seconds", f"it took {seconds:.1f} s")
    for each in end.left:
        yield Violation("nothing is left after the stop", each)
