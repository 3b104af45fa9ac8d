"""An announcement of the company, as a message that nobody requested."""

from handlers.actions import SetSubscription
from handlers.screens.screen import Button, Screen
from services.announcements import AnnouncementText
from storage.tables import Kind
from texts.catalogue import Texts
from texts.escaping import safe_text


def announcement(t: Texts, text: AnnouncementText, link: int) -> Screen:
    """Show an announcement; its last button stops further ones.

    Args:
        text: The announcement in the chat's language.
        link: The link through which the chat subscribed.
    """
    facts = [line for each in text.paragraphs for line in ("", *map(safe_text, each.split("\n")))][1:]
    rows = [(Button(label, url=address),) for label, address in text.buttons]
    stop = Button(t("button.stop_notice"), SetSubscription(link, Kind.COMPANY_NEWS, on=False, of_notice=True))
    return Screen(safe_text(text.title), facts=tuple(facts), keyboard=(*rows, (stop,)))
