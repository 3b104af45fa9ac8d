"""The company's details from the settings, for screens and mails."""

from zoneinfo import ZoneInfo

from msgspec import Struct

from services.features import ALL_FEATURES, Feature
from texts.language import Language


class Company(Struct, frozen=True):
    """The company that runs the bot.

    Args:
        name: The name in texts and mails.
        support: A mail address, telephone number or URL of the support staff; empty where there is none.
        zone: The time zone that decides the current date.
        language: The default for people who chose no language and whose client uses neither of the two.
        has_public_url: Whether mails can have links to the bot.
        staff_chat: The id of the staff's forum, to which people's messages are relayed; None where there is none.
        offers_copies: Whether bookkeepers' copies can be set up: their mails have a way to stop them.
        postal_address: The mailing address on one line, which mails show; empty where the operator gave none.
        features: The features that are on.
        mail_address: The address that mails are from: the contact in mails where there is no ``support``.
    """

    name: str
    support: str
    zone: ZoneInfo
    language: Language
    has_public_url: bool = False
    staff_chat: int | None = None
    offers_copies: bool = True
    postal_address: str = ""
    mail_address: str = ""
    features: frozenset[Feature] = ALL_FEATURES

    @property
    def contact(self) -> str:
        """How the reader of a mail reaches a person; empty only where neither setting is given."""
        return self.support or self.mail_address
