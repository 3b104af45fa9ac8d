"""What screens and mails say of the company, from the settings."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from texts.language import Language


@dataclass(frozen=True, slots=True)
class Company:
    """The company that runs the bot.

    Args:
        name: as it stands in texts and mails.
        support: how to reach a person: an address, a telephone number or a URL; may be empty.
        zone: decides what day it is.
        language: the language of people who chose none and whose client speaks neither language.
    """

    name: str
    support: str
    zone: ZoneInfo
    language: Language
