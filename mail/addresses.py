"""Email addresses as SMTP needs them. Errors never repeat the address."""

import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

import idna

# A dot-atom of RFC 5322 §3.2.3, with UTF-8 as RFC 6531 §3.3 allows. Quoted local parts are refused: hardly any
# mailbox has one, and they are how commands get smuggled into an address.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]+)>")

_LOCAL_OCTETS = 64  # RFC 5321 §4.5.3.1.1
_DOMAIN_OCTETS = 253


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """A local part and an ASCII domain (an international domain is held in its `xn--` form)."""

    local: str
    domain: str

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server with SMTPUTF8 (RFC 6531) can take it; an international domain alone does not."""
        return not self.local.isascii()

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    def __repr__(self) -> str:
        return "Address(…)"


class Sender(NamedTuple):
    """Who a letter is from: a display name, empty if none, and an address."""

    name: str
    address: str


def parse_address(text: str) -> Address:
    """Any domain will do, reserved ones such as `.test` and single labels such as `localhost` included."""
    local, at, domain = text.strip().rpartition("@")
    local = unicodedata.normalize("NFC", local)
    ascii_domain = _ascii_domain(domain)
    if not at or ascii_domain is None or not local.isprintable() or not _LOCAL.fullmatch(local):
        raise ValueError("not an email address")
    if len(local.encode()) > _LOCAL_OCTETS:
        raise ValueError("not an email address: too long before the @")
    return Address(local, ascii_domain)


def parse_sender(text: str) -> Sender:
    """Read `Name <address>` or an address; ValueError says what is expected."""
    expected = "expected an address, or Name <address>"
    if _CONTROL.search(text):  # line breaks above all: a setting must not write headers of its own
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
