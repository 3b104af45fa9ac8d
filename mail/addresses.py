"""Parse email addresses for SMTP. Errors never repeat the address.

Addresses that people type are checked by email-validator (``services.understanding``). It is not used here, because it
refuses senders that a company may have: ``@localhost``, ``.local`` and single labels.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

import idna

# A dot-atom of RFC 5322 §3.2.3, with UTF-8 as RFC 6531 §3.3 allows.
_ATOM = r"[^\x00-\x20\"(),.:;<>@\[\\\]\x7f]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
# Japanese carriers gave out a..b@ and a.@. A quoted local part has only characters that cannot end it, or smuggle an
# SMTP command into an address.
_ODD_LOCAL = re.compile(rf"""{_ATOM}(?:\.+{_ATOM})*\.*|"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~\-., ]+\"""")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]{0,61}[A-Za-z0-9_])?"  # hosts of an intranet may have underscores
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]+)>")

_LOCAL_OCTETS = 64  # RFC 5321 §4.5.3.1.1
_DOMAIN_OCTETS = 253


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """A local part and an ASCII domain (an international domain in its `xn--` form)."""

    local: str
    domain: str

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the server must support SMTPUTF8 (RFC 6531): for the local part only, a domain has an ASCII form."""
        return not self.local.isascii()

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    def __repr__(self) -> str:
        return "Address(…)"


class Sender(NamedTuple):
    """The sender of letters: a display name, empty if none, and an address."""

    name: str
    address: str


def parse_recipient(text: str) -> Address:
    """Return the address of a mailbox: also one with the odd dots of a carrier, or with a quoted local part.

    Raises:
        ValueError: the text is no address.
    """
    return parse_address(text, _ODD_LOCAL)


def parse_address(text: str, local_part: re.Pattern[str] = _LOCAL) -> Address:
    """Return the address in a text; reserved domains (`.test`) and single labels (`localhost`) are permitted.

    Args:
        local_part: What a local part has to match.

    Raises:
        ValueError: the text is no address.
    """
    local, at, domain = text.strip().rpartition("@")
    local = unicodedata.normalize("NFC", local)
    ascii_domain = _ascii_domain(domain)
    if not at or ascii_domain is None or not local.isprintable() or not local_part.fullmatch(local):
        raise ValueError("not an email address")
    if len(local.encode()) > _LOCAL_OCTETS:
        raise ValueError("not an email address: too long before the @")
    return Address(local, ascii_domain)


def parse_sender(text: str) -> Sender:
    """Return the sender in `Name <address>` or in an address.

    Raises:
        ValueError: it is neither; the message says what is expected.
    """
    expected = "expected an address, or Name <address>"
    if _CONTROL.search(text):  # a line break in the setting would add headers
        raise ValueError(f"{expected}, on one line without control characters")
    named = _NAMED.fullmatch(text.strip())
    name, address = (named["name"], named["address"]) if named else ("", text)
    parsed = _address_or_none(address)
    if parsed is None:
        raise ValueError(expected)
    return Sender(_unquoted(name.strip()), str(parsed))


def _address_or_none(text: str) -> Address | None:
    try:
        return parse_address(text)
    except ValueError:
        return None


def _ascii_domain(domain: str) -> str | None:
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except UnicodeError:
            return None
    return domain.lower() if len(domain) <= _DOMAIN_OCTETS and _DOMAIN.fullmatch(domain) else None


def _unquoted(name: str) -> str:
    if len(name) >= 2 and name[0] == name[-1] == '"':
        return re.sub(r"\\(.)", r"\1", name[1:-1])
    return name
