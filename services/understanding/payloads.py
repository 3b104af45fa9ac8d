"""What a link ``https://t.me/<bot>?start=…`` says: the token of an invitation, or an order or invoice to open.

Telegram allows 64 characters of ``A-Z a-z 0-9 _ -``. A paper is ``f-`` (facture, an invoice) or ``c-`` (commande, an
order) and its number. In the number, each byte of UTF-8 that is no ASCII letter, digit or ``-`` is ``_`` and two
hexadecimal digits: ``2026/001`` is ``f-2026_2F001``, and ``_`` itself is ``_5F``.
"""

import re
from dataclasses import dataclass, field

from msgspec import Struct

from portal.models import Part
from portal.numbers import MOST_CHARACTERS

LONGEST = 64
_INVITATION = "l-"
_PARTS = {"f-": Part.INVOICES, "c-": Part.ORDERS}
_ESCAPE = re.compile(r"_([0-9A-Fa-f]{2})")
_NUMBER = re.compile(r"(?:[A-Za-z0-9-]|_[0-9A-Fa-f]{2})+", re.ASCII)


@dataclass(frozen=True, slots=True)
class InvitationOpened:
    """A link that the portal gave a contact; nothing is known of its token."""

    token: str = field(repr=False)


class PaperOpened(Struct, frozen=True):
    """A link to an order or an invoice."""

    part: Part
    number: str

    @property
    def payload(self) -> str:
        """The payload that names it; it may be longer than Telegram allows, see ``paper_payload``."""
        prefix = next(prefix for prefix, part in _PARTS.items() if part is self.part)
        plain = (chr(byte) if _is_plain(byte) else f"_{byte:02X}" for byte in self.number.encode())
        return prefix + "".join(plain)


def invitation_payload(token: str) -> str:
    """Return the payload of an invitation's link."""
    return _INVITATION + token


def paper_payload(part: Part, number: str) -> str | None:
    """Return the payload of a link to an order or invoice; ``None`` where it needs more than 64 characters."""
    payload = PaperOpened(part, number).payload
    return payload if len(payload) <= LONGEST else None


def read_payload(payload: str) -> InvitationOpened | PaperOpened | None:
    """Return what a payload says; ``None`` for one that is neither of an invitation nor of a paper."""
    if payload.startswith(_INVITATION):
        return InvitationOpened(payload.removeprefix(_INVITATION))
    part, encoded = _PARTS.get(payload[:2]), payload[2:]
    if part is None or len(payload) > LONGEST or not _NUMBER.fullmatch(encoded):
        return None
    number = _unescaped(encoded)
    return PaperOpened(part, number) if number.strip() and len(number) <= MOST_CHARACTERS else None


def _is_plain(byte: int) -> bool:
    return byte < 128 and (chr(byte).isalnum() or byte == ord("-"))


def _unescaped(encoded: str) -> str:
    """Return a number without escapes; empty where the bytes are no UTF-8 or have a control character."""
    raw = re.sub(_ESCAPE, lambda found: chr(int(found[1], 16)), encoded).encode("latin-1")
    try:
        number = raw.decode()
    except UnicodeDecodeError:
        return ""
    return number if number.isprintable() else ""
