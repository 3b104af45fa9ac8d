"""Links to the bot in the back office, as text and as a QR code: one that links a contact's chat, one to a paper."""

from dataclasses import dataclass

import segno

from sandbox.portal.webhook import LinkRefused
from sandbox.web.page import Page


@dataclass(frozen=True, slots=True)
class BotLink:
    """A link to show. `payload` is what stands behind `?start=`; `minutes` is its lifetime, or None for ever."""

    url: str
    about: str
    minutes: int | None = None

    @property
    def payload(self) -> str:
        return self.url.partition("?start=")[2]

    @property
    def qr_code(self) -> str:
        """The QR code of the URL as an SVG element without a size, with its quiet zone of four modules."""
        code = segno.make(self.url, error="m", micro=False)
        return str(code.svg_inline(border=4, dark="#000", light="#fff", svgclass="qr", omitsize=True))


async def contact_link(page: Page, contact_id: str, account_id: str, about: str) -> BotLink:
    """Request a single-use link from the bot, as the portal does for a contact who is logged in.

    Raises:
        ValueError: The bot made none; the message says why.
    """
    try:
        made = await page.portal.portal.webhook.request_link(contact_id, account_id)
    except LinkRefused as error:
        raise ValueError(str(error)) from error
    return BotLink(str(made["url"]), about, 15)


def paper_link(page: Page, kind: str, number: str) -> BotLink:
    """Return the link to an invoice (`f`) or an order (`c`), by the encoding of docs/portal.md."""
    plain = (chr(b) if b < 128 and (chr(b).isalnum() or b == ord("-")) else f"_{b:02X}" for b in number.encode())
    return BotLink(f"https://t.me/{page.bot.username}?start={kind}-{''.join(plain)}", number)
