"""Says what a run did in one line, and shows for a violation what happened around it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.chaos.history import Answer, History
from tests.chaos.invariants import Violation, repeated, told_twice, unanswered, unclear_twice, untold

_AROUND_SECONDS = 12.0
_SHOWN = 3
_LOG_LINES = 8
_LOG_LINES_AT_THE_END = 60
_ROUTINE = ('"level": "info"', '"level":"info"')


def figures(history: History) -> str:
    """Return the counts of a run in one line."""
    happened = Counter(each.what.partition(".")[0] for each in history.incidents)
    answered = {(each.chat, each.number): each.at for each in reversed(history.answers) if each.number}
    slowest = max((answered.get((t.chat, t.number), t.at) - t.at for t in history.texts), default=0.0)
    marked = sum(each.is_marked for each in history.told)
    return (
        f"{len(history.texts)} texts: {len(unanswered(history))} unanswered, {len(repeated(history))} answered again,"
        f" {sum(not each.number for each in history.answers)} excuses, slowest {slowest:.1f} s;"
        f" {len(history.events)} events, {len(history.told)} notices and copies: {len(untold(history))} not told,"
        f" {len(told_twice(history))} twice unmarked, {marked} marked, {len(unclear_twice(history))} twice unclear,"
        f" {len(history.paused)} bookkeepers paused;"
        f" {happened['kill']} kills, {happened['stop']} stops (slowest {max(history.end.stops, default=0.0):.1f} s),"
        f" {happened['telegram']} faults of Telegram, {happened['portal']} of the portal, {happened['mail']} of mail,"
        f" {happened['database']} of the database, {happened['clock']} clock steps;"
        f" memory {history.end.memory[0]:.0f} to {history.end.memory[1]:.0f} MB"
    )


def explanation(
    violations: Sequence[Violation], history: History, log: Sequence[tuple[float, str]], began: float
) -> Iterator[str]:
    """Yield lines: each rule with its count, and for the first violations the time line around them.

    Args:
        log: The program's lines, with unix seconds of the machine's clock.
        began: The unix seconds at which the run began; times are shown relative to it.
    """
    for rule, count in Counter(each.rule for each in violations).items():
        yield f"VIOLATED {count} x: {rule}"
        for violation in [each for each in violations if each.rule == rule][:_SHOWN]:
            yield f"  {_at(violation.at, began)} {violation.what}" + (
                f" (chat {violation.chat})" if violation.chat else ""
            )
            if violation.at:
                yield from _time_line(violation, history, log, began)
    if violations:
        yield from _end(history, log, began)


def _end(history: History, log: Sequence[tuple[float, str]], began: float) -> Iterator[str]:
    """Yield the states of the deliveries, the last notice, and the last lines of the program's log."""
    for state, count in Counter(history.states.values()).most_common():
        yield f"at the end {count} deliveries: {state}"
    yield f"the last notice: {_at(max((each.at for each in history.told), default=0.0), began)}"
    logged = [(at, line) for at, line in log if not any(routine in line for routine in _ROUTINE)]
    for at, line in logged[-_LOG_LINES_AT_THE_END:]:
        yield f"  {_at(at, began)} log: {line[:200]}"


def _time_line(violation: Violation, history: History, log: Sequence[tuple[float, str]], began: float) -> Iterator[str]:
    since, until, chat = violation.at - _AROUND_SECONDS / 3, violation.at + _AROUND_SECONDS, violation.chat
    lines = [
        (each.at, f"{each.what} {each.detail} until {_at(each.until, began)}")
        for each in history.incidents
        if each.until >= since and each.at <= until and each.chat in (None, chat)
    ]
    lines += [(each.at, f"told {each.kind} {each.number}") for each in history.told if each.to == chat]
    logged = [(at, line[:160]) for at, line in log if not any(routine in line for routine in _ROUTINE)]
    lines += [(at, f"log: {line}") for at, line in logged if since <= at <= until][:_LOG_LINES]
    lines = [(at, line) for at, line in lines if since <= at <= until or "until" in line]
    # All of the chat's: an excuse names no text, so the one that is missing may be an earlier one.
    lines += [(each.at, f"typed {each.number}") for each in history.texts if each.chat == chat]
    lines += [(each.at, _answered(each)) for each in history.answers if each.chat == chat]
    for at, line in sorted(lines):
        yield f"      {_at(at, began)} {line}"


def _answered(answer: Answer) -> str:
    return f"answered {answer.number or 'with an excuse'}{'' if answer.is_new else ', by an edit'}"


def _at(at: float, began: float) -> str:
    return f"{at - began:7.2f} s" if at else "at the end"
