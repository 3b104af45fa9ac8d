"""What a package provides to connect a kind of portal: an ``Adapter``, in the entry-point group ``odobot.portals``.

The entry point's name is the scheme of ``ODOBOT_PORTAL_URL`` that the adapter serves, such as ``tryton+https``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from portal.breaker import PortalBreaker
from portal.client import Portal
from portal.models import MenuLink


@dataclass(frozen=True, slots=True)
class AdapterSetting:
    """A setting that only this adapter has.

    Attributes:
        name: In capitals, beginning with ``ODOBOT_PORTAL_``.
        expected: What it has to be, for the error of one that is missing.
        check: Raises ``ValueError`` for a wrong value, with one line that says what is expected and not the value.
        is_required: Whether the start stops where it is not set.
        is_secret: Whether it may also be read from the file that ``{name}_FILE`` names, and is never printed.
    """

    name: str
    expected: str
    check: Callable[[str], object] = str
    is_required: bool = False
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Connection:
    """What an adapter makes its portal from.

    Attributes:
        url: As ``Adapter.check_url`` returned it.
        token: ``ODOBOT_PORTAL_TOKEN``; empty where the adapter needs none and none is set.
        links: ``ODOBOT_PORTAL_LINKS``: the menu of a portal that has none of its own.
        settings: The values of ``Adapter.settings`` that are set, by name.
        breaker: Refuses calls while the portal does not answer; None for a check, which makes every call.
    """

    url: str
    token: str = ""
    links: tuple[MenuLink, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    breaker: PortalBreaker | None = None


@dataclass(frozen=True, slots=True)
class Adapter:
    """A kind of portal.

    Attributes:
        expected: The form of its URL, such as ``tryton+https://host/database``.
        check_url: Returns the URL as it is used, without a trailing slash; raises ``ValueError`` for a wrong one, with
            one line that says what is expected.
        open: Makes the portal, without connecting it. Raises ``ValueError`` where the settings do not fit together.
        token: What ``ODOBOT_PORTAL_TOKEN`` is, for the error where it is missing; empty where none is needed.
        settings: The settings that only this adapter has.
        is_http_contract: Whether the URL is one of the HTTP contract of docs/portal-api.yaml, so that
            ``odobot portal-check`` makes raw calls of it.
    """

    expected: str
    check_url: Callable[[str], str]
    open: Callable[[Connection], Portal]
    token: str = ""
    settings: tuple[AdapterSetting, ...] = ()
    is_http_contract: bool = False

    def secrets_of(self, connection: Connection) -> list[str]:
        """Return what must never be printed: the token, the URL's password as written and decoded, secret settings."""
        password = urlsplit(connection.url).password or ""
        settings = [connection.settings.get(each.name, "") for each in self.settings if each.is_secret]
        return [each for each in (connection.token, password, unquote(password), *settings) if each]
