"""The facts of an incident in the register: what the law asks for, how each is checked, and how they are shown.

They are those of section 7 of the Regulation respecting confidentiality incidents (CQLR, c. A-2.1, r. 3.1). Section 8
has them kept for five years after the day on which the enterprise became aware of the incident.
"""

import csv
import datetime
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from storage.incidents import StoredVersion

UNKNOWN = "unknown"
_ABOUT = "about "
_YEARS_KEPT = 5
_LONGEST = 4_000
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t")
_PERIOD = re.compile(r"(\d{4}-\d\d-\d\d)(?:/(\d{4}-\d\d-\d\d))?", re.ASCII)
_PERSONS = re.compile(rf"(?:{_ABOUT})?\d{{1,9}}|{UNKNOWN}", re.ASCII)
RISKS = ("yes", "no", "undecided")


class BadFact(ValueError):
    """A fact that the register does not take; its text is one line for the operator."""


class Incident(Struct, frozen=True):
    """An incident as its versions leave it.

    ``facts`` has the newest value of each fact. ``unreadable`` counts the versions that no key opens.
    """

    number: int
    facts: dict[str, str]
    versions: Sequence[StoredVersion]
    unreadable: int

    @property
    def kept_until(self) -> datetime.date | None:
        """The first day on which the entry may be deleted; None while the day of awareness is unreadable."""
        known = self.facts.get("known")
        if known is None:
            return None
        _, end = _days(known)
        is_leap_day = (end.month, end.day) == (2, 29)
        return end.replace(year=end.year + _YEARS_KEPT, day=28 if is_leap_day else end.day) + datetime.timedelta(1)

    @property
    def missing(self) -> list[str]:
        """What the law asks for and the entry does not have yet."""
        risk = self.facts.get("risk")
        if risk == "undecided":
            return ["the decision whether there is a risk of serious injury"]
        if risk != "yes":
            return []
        notices = {"cai-notified": "the notice to the CAI", "persons-notified": "the notice to the persons"}
        return [words for name, words in notices.items() if name not in self.facts]


def incidents_of(versions: Sequence[StoredVersion]) -> list[Incident]:
    """Merge the versions of each incident, the later ones over the earlier ones."""
    found: dict[int, list[StoredVersion]] = {}
    for each in versions:
        found.setdefault(each.number, []).append(each)
    return [
        Incident(
            number,
            {name: value for each in of_it for name, value in (each.facts or {}).items()},
            of_it,
            sum(each.facts is None for each in of_it),
        )
        for number, of_it in found.items()
    ]


def checked(given: Mapping[str, str], today: datetime.date, before: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the facts that were given, each checked, without the empty ones.

    Args:
        given: Text by the name of the fact, as in ``FACTS``.
        before: What the entry has so far; None for a new one, which needs every required fact.

    Raises:
        BadFact: One is missing, malformed, or contradicts another.
    """
    facts = {name: _checked_text(name, text) for name, text in given.items() if text.strip()}
    for name, text in facts.items():
        if (problem := FACTS[name].problem(text, today)) is not None:
            raise BadFact(f"--{name} {problem}")
    if before is None and (absent := [name for name, fact in FACTS.items() if fact.is_required and name not in facts]):
        raise BadFact(f"{', '.join(f'--{name}' for name in absent)}: required")
    if not facts:
        raise BadFact("give at least one fact")
    _check_order({**(before or {}), **facts})
    return facts


def _checked_text(name: str, text: str) -> str:
    text = text.strip()
    if len(text) > _LONGEST:
        raise BadFact(f"--{name} is longer than {_LONGEST} characters")
    if not all(character.isprintable() or character == "\n" for character in text):
        raise BadFact(f"--{name} holds characters that cannot be printed")
    return text


def _check_order(facts: Mapping[str, str]) -> None:
    """Check that nothing is known before it happened, and nobody is notified before it is known."""
    known, _ = _days(facts["known"])
    _, known_until = _days(facts["known"])
    occurred = facts["occurred"].removeprefix(_ABOUT)
    if occurred != UNKNOWN and _days(occurred)[0] > known_until:
        raise BadFact("--occurred is after --known")
    for name in ("cai-notified", "persons-notified"):
        if name in facts and _days(facts[name])[1] < known:
            raise BadFact(f"--{name} is before --known")


def _days(text: str) -> tuple[datetime.date, datetime.date]:
    """Return the first and the last day of a date or a period. Raises ``ValueError`` where it is neither."""
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise ValueError(text)
    first = datetime.date.fromisoformat(found[1])
    return first, datetime.date.fromisoformat(found[2]) if found[2] else first


def _period_problem(text: str, today: datetime.date) -> str | None:
    try:
        first, last = _days(text)
    except ValueError:
        return "must be a date, 2026-11-26, or a period, 2026-11-20/2026-11-26"
    if first > last:
        return "ends before it begins"
    return "is in the future" if last > today else None


def _occurred_problem(text: str, today: datetime.date) -> str | None:
    if text == UNKNOWN:
        return None
    problem = _period_problem(text.removeprefix(_ABOUT), today)
    return f"{problem}; with 'about' before it, or '{UNKNOWN}'" if problem and problem.startswith("must") else problem


def _persons_problem(text: str, _today: datetime.date) -> str | None:
    return None if _PERSONS.fullmatch(text) else f"must be a number, 'about' and a number, or '{UNKNOWN}'"


def _risk_problem(text: str, _today: datetime.date) -> str | None:
    return None if text in RISKS else f"must be one of {', '.join(RISKS)}"


def _no_problem(_text: str, _today: datetime.date) -> str | None:
    return None


class Fact(Struct, frozen=True):
    """A fact of the register. ``problem`` returns what is wrong with its text, or None."""

    is_required: bool
    problem: Callable[[str, datetime.date], str | None] = _no_problem


FACTS = {
    "known": Fact(True, _period_problem),
    "occurred": Fact(True, _occurred_problem),
    "information": Fact(True),
    "description": Fact(True),
    "persons": Fact(True, _persons_problem),
    "risk": Fact(True, _risk_problem),
    "assessment": Fact(True),
    "measures": Fact(True),
    "cai-notified": Fact(False, _period_problem),
    "persons-notified": Fact(False, _period_problem),
    "public-notice": Fact(False),
}
"""By the name of the option, in the order in which they are shown."""


def as_lines(incident: Incident) -> list[str]:
    """Return an incident as text for a terminal."""
    lines = [f"incident {incident.number}"]
    lines += [f"  {name}: {incident.facts[name]}" for name in FACTS if name in incident.facts]
    lines += [f"  MISSING: {what}" for what in incident.missing]
    if incident.unreadable:
        lines.append(f"  UNREADABLE: no key of ODOBOT_SECRET_KEYS opens {incident.unreadable} version(s)")
    lines.append(f"  versions: {len(incident.versions)}; keep it until {incident.kept_until or UNKNOWN} at least")
    return lines


def as_json(incidents: Sequence[Incident]) -> str:
    """Return the register as JSON, with every version."""
    return json.dumps(as_data(incidents), ensure_ascii=False, indent=2) + "\n"


def as_data(incidents: Sequence[Incident]) -> list[dict[str, Any]]:
    """Return the register with every version, as values that JSON has."""
    return [
        {
            "number": each.number,
            **{_column(name): each.facts.get(name) for name in FACTS},
            "missing": each.missing,
            "kept_until": each.kept_until.isoformat() if each.kept_until else None,
            "versions": [
                {
                    "version": one.version,
                    "recorded_at": one.recorded_at.isoformat(),
                    "facts": one.facts and {_column(name): value for name, value in one.facts.items()},
                }
                for one in each.versions
            ],
        }
        for each in incidents
    ]


def as_csv(incidents: Sequence[Incident]) -> str:
    """Return the register as CSV, a line an incident, with the newest value of each fact.

    What a spreadsheet would take for a formula gets an apostrophe before it.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(["number", *map(_column, FACTS), "versions", "kept_until"])
    for each in incidents:
        facts = [each.facts.get(name, "") for name in FACTS]
        cells = [f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell for cell in facts]
        rows.writerow([each.number, *cells, len(each.versions), each.kept_until or ""])
    return text.getvalue()


def _column(name: str) -> str:
    return name.replace("-", "_")
