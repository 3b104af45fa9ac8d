"""The invariants find what is wrong in made-up histories, and nothing in right ones."""

from dataclasses import replace

import pytest

from tests.chaos.history import REPEATED, Answer, End, Event, History, Incident, Text, Told
from tests.chaos.invariants import check
from tests.chaos.report import explanation, figures

CAMILLE, ANNA = 1, 2
BOOKS = "books@example.test"
ISSUED = "invoice.issued"


def history() -> History:
    """A history in which everything holds: three texts, an invoice for two chats and a bookkeeper."""
    return History(
        texts=[Text(10, CAMILLE, "900"), Text(11, CAMILLE, "901"), Text(11, ANNA, "902")],
        answers=[Answer(12, CAMILLE, "900"), Answer(13, ANNA, "902"), Answer(14, CAMILLE, "901")],
        events=[Event(20, ISSUED, "500", frozenset((CAMILLE, ANNA)), frozenset((BOOKS,)))],
        told=[
            Told(21, CAMILLE, ISSUED, "500"),
            Told(21, ANNA, ISSUED, "500"),
            Told(22, BOOKS, "copy", "500"),
        ],
        end=End(memory=(100, 120), stops=(0.5, 9.9)),
    )


def rules(history: History) -> list[str]:
    return [violation.rule for violation in check(history)]


def test_right_history_has_no_violation() -> None:
    assert check(history()) == []


def test_lost_text() -> None:
    seen = history()
    del seen.answers[1]
    (violation,) = check(seen)
    assert (violation.rule, violation.chat, violation.at) == ("every text is answered", ANNA, 11)


def test_excuse_answers_one_text() -> None:
    """Two texts of a chat need two excuses, and an excuse does not answer a later text."""
    seen = history()
    seen.answers = [Answer(12, CAMILLE, ""), Answer(13, ANNA, "902")]
    assert rules(seen) == ["every text is answered"]
    seen.answers.append(Answer(14, CAMILLE, ""))
    assert rules(seen) == []
    seen.texts.append(Text(15, CAMILLE, "903"))
    assert rules(seen) == ["every text is answered"]


def test_swapped_answers() -> None:
    seen = history()
    seen.answers.reverse()
    assert rules(seen) == ["answers keep the order of the texts"]


def test_excuse_is_the_first_answer_of_the_oldest_text() -> None:
    """After a stop that could not confirm it, the text is answered again, behind a later one."""
    seen = history()
    first, second = seen.texts[0], seen.texts[1]
    seen.answers = [
        Answer(second.at + 1, first.chat, ""),
        Answer(second.at + 2, second.chat, second.number),
        Answer(second.at + 3, first.chat, first.number),
    ]
    assert "answers keep the order of the texts" not in rules(seen)
    del seen.answers[0]
    assert "answers keep the order of the texts" in rules(seen)


def test_order_of_repeated_answers_does_not_matter() -> None:
    seen = history()
    seen.incidents = [Incident(15, 16, "kill")]
    seen.answers += [Answer(17, CAMILLE, "900")]
    assert rules(seen) == []


@pytest.mark.parametrize(
    "incident",
    [
        Incident(13, 13.5, "kill"),
        Incident(9, 10.5, "database.away"),
        Incident(12, 12.2, "unclear", chat=CAMILLE),
    ],
)
def test_answer_may_be_repeated_with_a_reason(incident: Incident) -> None:
    """One reason allows one repetition."""
    seen = history()
    seen.answers.append(Answer(15, CAMILLE, "900"))
    assert rules(seen) == ["no text is answered twice without reason"]
    seen.incidents = [incident]
    assert rules(seen) == []
    seen.answers.append(Answer(16, CAMILLE, "900"))
    assert rules(seen) == ["no text is answered twice without reason"]


@pytest.mark.parametrize(
    "incident",
    [
        Incident(13, 13.5, "stop"),
        Incident(16, 17, "kill"),
        Incident(5, 6, "kill"),
        Incident(12, 12.2, "unclear", chat=ANNA),
        Incident(12, 13, "telegram.gateway"),
    ],
)
def test_other_incidents_are_no_reason(incident: Incident) -> None:
    seen = history()
    seen.answers.append(Answer(15, CAMILLE, "900"))
    seen.incidents = [incident]
    assert rules(seen) == ["no text is answered twice without reason"]


def test_edits_are_no_repetition() -> None:
    seen = history()
    seen.answers.append(Answer(15, CAMILLE, "900", is_new=False))
    assert rules(seen) == []


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_missing_notice_or_copy(missing: int) -> None:
    seen = history()
    del seen.told[missing]
    assert rules(seen) == ["everybody is told every event"]


def test_refused_copy_is_not_missing() -> None:
    seen = history()
    del seen.told[2]
    seen.states = {(BOOKS, "copy", "500"): "uncertain mail"}
    assert rules(seen) == ["everybody is told every event"]
    seen.states = {(BOOKS, "copy", "500"): "blocked"}
    assert rules(seen) == []


def test_paused_copies_are_not_missing() -> None:
    seen = history()
    del seen.told[2]
    assert rules(replace(seen, paused=frozenset({"other@books.test"}))) == ["everybody is told every event"]
    assert rules(replace(seen, paused=frozenset({BOOKS}))) == []


def test_unclear_repetition_is_left_to_the_operator() -> None:
    seen = history()
    del seen.told[1]
    seen.states = {(ANNA, ISSUED, "500"): "uncertain NetworkError"}
    assert rules(seen) == ["everybody is told every event"]
    seen.states = {(ANNA, ISSUED, "500"): f"uncertain {REPEATED} NetworkError"}
    assert rules(seen) == []


def test_paper_that_was_opened_needs_no_repetition() -> None:
    seen = history()
    del seen.told[1]
    seen.states = {(ANNA, ISSUED, "500"): "cancelled seen by the person"}
    assert rules(seen) == []
    seen.states = {(ANNA, ISSUED, "500"): "cancelled no longer wished for"}
    assert rules(seen) == ["everybody is told every event"]


def test_removed_link_needs_no_notice_but_its_own() -> None:
    seen = history()
    del seen.told[1]
    seen.removed = {ANNA: 20.5}
    assert rules(seen) == []
    seen.events.append(Event(20.5, "removed", "", frozenset((ANNA,))))
    assert rules(seen) == ["everybody is told every event"]


@pytest.mark.parametrize("told", [Told(30, ANNA, ISSUED, "500"), Told(30, BOOKS, "copy", "500")])
def test_repetition_has_to_be_marked(told: Told) -> None:
    seen = history()
    seen.told.append(told)
    assert rules(seen) == ["nothing is told twice without a mark"]
    seen.told[-1] = replace(told, is_marked=True)
    assert rules(seen) == []
    seen.told.append(replace(told, is_marked=True))
    assert rules(seen) == ["nothing is told twice without a mark"]


def test_only_a_marked_notice_is_enough() -> None:
    """The first attempt may not have arrived."""
    seen = history()
    seen.told[0] = replace(seen.told[0], is_marked=True)
    assert rules(seen) == []


@pytest.mark.parametrize("told", [Told(30, 3, ISSUED, "500"), Told(30, CAMILLE, "order.created", "500")])
def test_notice_that_is_not_theirs(told: Told) -> None:
    seen = history()
    seen.told.append(told)
    assert rules(seen) == ["nobody is told what is not theirs"]


@pytest.mark.parametrize(
    ("end", "rule"),
    [
        (End(is_alive=False), "the process runs at the end"),
        (End(not_ready=("portal: down",)), "the process is ready at the end"),
        (End(unsettled=1), "every delivery has a final state"),
        (End(memory=(100, 260)), "memory is bounded"),
        (End(stops=(11.0,)), "SIGTERM ends the process within ten seconds"),
        (End(left=("process 7",)), "nothing is left after the stop"),
    ],
)
def test_end(end: End, rule: str) -> None:
    seen = history()
    seen.end = end
    assert rules(seen) == [rule]


def test_end_of_the_process_by_itself() -> None:
    seen = history()
    seen.incidents = [Incident(15, 15, "ended", "1: ODOBOT_TELEGRAM_API_URL")]
    assert rules(seen) == ["the process never ends by itself"]


def test_report_shows_what_happened_around_a_violation() -> None:
    """It shows the chat's own texts, the faults and the log; not what is far away or routine."""
    seen = history()
    del seen.answers[1]
    seen.incidents = [Incident(12, 14, "telegram.gateway", "method=*"), Incident(90, 91, "kill")]
    log = [(12.0, '{"event": "telegram.unreachable", "level": "warning"}'), (12.0, '{"event": "x", "level": "info"}')]
    lines = "\n".join(explanation(check(seen), seen, log, began=10.0))
    assert "1.00 s 902 was not" in lines
    assert "telegram.gateway method=* until" in lines
    assert "telegram.unreachable" in lines
    assert "typed 902" in lines
    assert "typed 900" not in lines
    assert "kill" not in lines
    assert '"info"' not in lines
    assert "3 texts: 1 unanswered" in figures(seen)
