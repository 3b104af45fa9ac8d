"""Phrases that people may type, each with the reading that was written without sight of the grammar.

A line is ``phrase<TAB>reading``; two readings are separated by ``|``. A file's name begins with the chat's language.
"""

import datetime
import sys
from collections import Counter
from pathlib import Path

import pytest

from services.understanding.questions.questions import Question
from services.understanding.questions.reading import read_question
from texts.language import Language

TODAY = datetime.date(2026, 10, 14)
TABLES = sorted((Path(__file__).parent / "phrases").glob("*.tsv"))
LEAST_EXACT = {"fr.tsv": 0.97, "en.tsv": 0.97, "fr_newcomers.tsv": 1.0, "en_newcomers.tsv": 1.0}
"""The share of the phrases that the grammar was built with; of others less is asked."""
LEAST_EXACT_OF_OTHERS = 0.8
_NAMES = {"start": "from", "end": "to", "language": "to"}

Readings = frozenset[frozenset[tuple[str, str]]]


def written(questions: tuple[Question, ...]) -> Readings:
    """Return readings in the words of the tables."""
    return frozenset(
        frozenset((_NAMES.get(name, name), value) for name, value in question.as_data().items())
        for question in questions
    )


def expected(reading: str) -> Readings:
    """Return the readings of a line of a table."""
    if reading == "none":
        return frozenset()
    parts = [each.split() for each in reading.split(" | ")]
    return frozenset(
        frozenset([("intent", words[0]), *(tuple(word.split("=", 1)) for word in words[1:])])  # type: ignore[misc]
        for words in parts
    )


def kind(readings: Readings) -> str:
    """Return the intent of readings, for the report."""
    intents = [dict(reading)["intent"] for reading in readings]
    return "two" if len(intents) > 1 else intents[0] if intents else "none"


def rows(table: Path) -> list[tuple[str, str]]:
    """Return the lines of a table."""
    lines = [line.split("\t") for line in table.read_text("utf-8").splitlines() if line.strip()]
    return [(phrase, reading) for phrase, reading in lines]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_phrases_have_their_readings(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Prints precision and recall by intent, and each phrase that was read otherwise."""
    language = Language(table.stem[:2])
    wanted_of, got_of, exact_of = Counter[str](), Counter[str](), Counter[str]()
    report = []
    for phrase, reading in rows(table):
        wanted, got = expected(reading), written(read_question(phrase, TODAY, language))
        wanted_of[kind(wanted)] += 1
        got_of[kind(got)] += 1
        exact_of[kind(wanted)] += wanted == got
        if wanted != got:
            report.append(f"{phrase!r}: {reading}; read as {sorted(map(sorted, got))}")
    total = sum(wanted_of.values())
    share = exact_of.total() / total
    for name in sorted(wanted_of | got_of):
        precision = exact_of[name] / got_of[name] if got_of[name] else 1
        recall = exact_of[name] / wanted_of[name] if wanted_of[name] else 1
        report.append(f"{table.stem} {name:13} precision {precision:6.1%} recall {recall:6.1%} of {wanted_of[name]}")
    report.append(f"{table.stem} exact {exact_of.total()} of {total}: {share:.1%}")
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *report, ""]))
    assert share >= LEAST_EXACT.get(table.name, LEAST_EXACT_OF_OTHERS)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_other_chat_language_reads_phrases_alike(table: Path) -> None:
    """Either language is understood in any chat; only numeric dates and the language asked for may differ."""
    language = Language(table.stem[:2])
    same = [
        read_question(phrase, TODAY, language) == read_question(phrase, TODAY, language.other)
        for phrase, _ in rows(table)
    ]
    assert sum(same) / len(same) > 0.95


def test_irreversible_intents_are_rare_in_other_phrases() -> None:
    """No phrase about something else is read as leaving or as stopping notices."""
    wrong = [
        phrase
        for table in TABLES
        for phrase, reading in rows(table)
        if not {"unlink", "stop_notices"} & set(reading.split())
        and {"unlink", "stop_notices"} & {question.intent for question in read_question(phrase, TODAY, Language.FR)}
    ]
    assert wrong == []
