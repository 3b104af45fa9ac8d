"""What screens and mails need to know of the company."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from texts.language import Language


@dataclass(frozen=True, slots=True)
class Company:
    """Its name, its clock, and the language of whoever chose none."""

    name: str
    zone: ZoneInfo
    language: Language
