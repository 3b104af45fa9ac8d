"""Templates, the page's own words, and formats of times and dates."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sandbox.portal.clock import COMPANY_TIMEZONE
from sandbox.portal.data.money import money_text, parse_cents
from sandbox.web.rendering.words import LANGUAGES, Words

HERE = Path(__file__).parents[1]
LOCALES = {"fr": "fr_CA", "en": "en_CA"}


class Views:
    """Renders templates in one of the page's languages. Everything except Markup is escaped."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            clock=clock_time, seconds=clock_seconds, money=money, size=file_size, moment=moment_text
        )

    def render(self, template: str, language: str, **values: Any) -> Markup:
        """Render a template, with the words of a language (`fr` or `en`) as `w`."""
        found = self._templates.get_template(f"{template}.html")
        return Markup(found.render(w=Words(language), ui=language, **values))  # noqa: S704 (autoescaped)


def word(name: str, language: str) -> str:
    """Return one of the page's own words."""
    return Words(language)[name]


def language_of(cookie: str | None, accepted: str = "") -> str:
    """Return the page's language: the cookie's, else the first of the browser's that the page has, else French.

    Args:
        accepted: The header `Accept-Language`; browsers send the preferred language first.
    """
    if cookie in LANGUAGES:
        return cookie
    asked = (each.strip().partition(";")[0].partition("-")[0].lower() for each in accepted.split(","))
    return next((each for each in asked if each in LANGUAGES), LANGUAGES[0])


def moment(unix: float) -> datetime:
    """Convert unix seconds to the company's time."""
    return datetime.fromtimestamp(unix, UTC).astimezone(COMPANY_TIMEZONE)


def clock_time(at: datetime | float) -> str:
    """Format a time as `14:05`, in the company's time zone."""
    local = at.astimezone(COMPANY_TIMEZONE) if isinstance(at, datetime) else moment(at)
    return f"{local:%H:%M}"


def clock_seconds(at: str) -> str:
    """Format an ISO 8601 time as `14:05:09`, in the company's time zone."""
    return f"{datetime.fromisoformat(at).astimezone(COMPANY_TIMEZONE):%H:%M:%S}"


def day_name(day: date, language: str) -> str:
    """Format a date as `22 novembre` or `November 22`."""
    text = format_date(day, "d MMMM" if language == "fr" else "MMMM d", locale=LOCALES[language])
    return text.replace("1 ", "1er ", 1) if language == "fr" and day.day == 1 else text


def moment_text(at: datetime, language: str) -> str:
    """Format a time as `jeu. 22 nov. 2026, 14:05` or `Thu, Nov 22, 2026, 14:05`, in the company's time zone."""
    local = at.astimezone(COMPANY_TIMEZONE)
    pattern = "EEE d MMM y, HH:mm" if language == "fr" else "EEE, MMM d, y, HH:mm"
    return format_datetime(local, pattern, locale=LOCALES[language])


def money(amount: str, language: str) -> str:
    """Format a decimal amount in a language."""
    return money_text(parse_cents(amount), "en" if language == "en" else "fr")


def file_size(octets: int) -> str:
    """Format a size in whole kilobytes."""
    return f"{max(1, round(octets / 1000))} kB"
