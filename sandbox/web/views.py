"""Templates, the page's own words, and how times and days are written."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sandbox.portal.clock import COMPANY_TIMEZONE
from sandbox.portal.money import money_text, parse_cents
from sandbox.web.words import LANGUAGES, Words

HERE = Path(__file__).parent
LOCALES = {"fr": "fr_CA", "en": "en_CA"}


class Views:
    """Fragments of the page in one of its languages. Everything is escaped that is not Markup."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(clock=clock_time, seconds=clock_seconds, money=money, size=file_size)

    def render(self, template: str, language: str, **values: Any) -> Markup:
        """A template with the words of a language (`fr` or `en`) in `w`."""
        found = self._templates.get_template(f"{template}.html")
        return Markup(found.render(w=Words(language), ui=language, **values))  # noqa: S704 (autoescaped)


def word(name: str, language: str) -> str:
    """One of the page's own words."""
    return Words(language)[name]


def language_of(cookie: str | None) -> str:
    """The page's language: French unless English was chosen."""
    return cookie if cookie in LANGUAGES else LANGUAGES[0]


def moment(unix: float) -> datetime:
    """Unix seconds as the company's time."""
    return datetime.fromtimestamp(unix, UTC).astimezone(COMPANY_TIMEZONE)


def clock_time(at: datetime | float) -> str:
    """`14:05`, at the company."""
    local = at.astimezone(COMPANY_TIMEZONE) if isinstance(at, datetime) else moment(at)
    return f"{local:%H:%M}"


def clock_seconds(at: str) -> str:
    """An ISO 8601 time as `14:05:09`, at the company."""
    return f"{datetime.fromisoformat(at).astimezone(COMPANY_TIMEZONE):%H:%M:%S}"


def day_name(day: date, language: str) -> str:
    """`22 novembre`, `November 22`."""
    text = format_date(day, "d MMMM" if language == "fr" else "MMMM d", locale=LOCALES[language])
    return text.replace("1 ", "1er ", 1) if language == "fr" and day.day == 1 else text


def money(amount: str, language: str) -> str:
    """A decimal amount as the language writes it."""
    return money_text(parse_cents(amount), "en" if language == "en" else "fr")


def file_size(octets: int) -> str:
    """Whole kilobytes."""
    return f"{max(1, round(octets / 1000))} kB"
