"""Adapters are found by the scheme of the portal's URL, among the installed packages."""

from pathlib import Path

import pytest

from portal.adapters.adapter import Adapter, Connection
from portal.adapters.registry import find_adapter, schemes
from portal.http import HttpPortal
from portal.models import MenuLink
from portal.tryton.portal import TrytonPortal
from tests.portal.adapters.packages import install

LINKS = (MenuLink(key="login", title="login", url="https://odotrack.test/in"),)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which installed packages are imported."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


WORKING = """
from portal.adapters.adapter import Adapter
ADAPTER = Adapter(expected="acme+https://host", check_url=str.lower, open=lambda connection: connection.settings)
"""


@pytest.mark.parametrize(
    ("url", "portal", "is_http_contract"),
    [
        ("https://portal.test", HttpPortal, True),
        ("http://127.0.0.1:8000", HttpPortal, True),
        ("tryton+https://erp.test/db", TrytonPortal, False),
        ("TRYTON+HTTP://127.0.0.1/db", TrytonPortal, False),
    ],
)
async def test_adapters_of_odobot(url: str, portal: type, is_http_contract: bool) -> None:
    adapter = find_adapter(url)
    assert adapter.is_http_contract is is_http_contract
    assert adapter.token
    opened = adapter.open(Connection(url=adapter.check_url(url.lower()), token="key", links=LINKS))
    assert isinstance(opened, portal)
    await opened.aclose()


async def test_tryton_shows_the_menu_of_the_setting() -> None:
    adapter = find_adapter("tryton+https://erp.test/db")
    opened = adapter.open(Connection(url="tryton+https://erp.test/db", token="key", links=LINKS))
    assert await opened.links("fr") == LINKS
    await opened.aclose()


def test_installed_package_is_found(packages: Path) -> None:
    install(packages, "acme_portal", module=WORKING)
    adapter = find_adapter("ACME+HTTPS://portal.test")
    assert isinstance(adapter, Adapter)
    assert adapter.check_url("ACME+https://Portal.test") == "acme+https://portal.test"
    assert "acme+https" in schemes()


@pytest.mark.parametrize("url", ["", "portal.test", "ftp://portal.test/secret", "acme+https://me:secret@host", "://"])
def test_unknown_scheme_names_the_known_ones(url: str) -> None:
    with pytest.raises(ValueError, match=r"^expected https://host") as raised:
        find_adapter(url)
    message = str(raised.value)
    assert "tryton+https" in message
    assert "secret" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("import a_module_that_is_missing\n", "ModuleNotFoundError: No module named 'a_module_that_is_missing'"),
        ("raise RuntimeError('several\\nlines')\n", "RuntimeError: several lines"),
        ("OTHER = 1\n", "AttributeError"),
        ("ADAPTER = dict\n", "is a type, expected a portal.adapters.adapter.Adapter"),
    ],
)
def test_broken_package_is_named_in_one_line(packages: Path, module: str, reason: str) -> None:
    name = f"broken_{abs(hash(module))}"
    install(packages, name, module=module)
    with pytest.raises(ValueError, match=f"the adapter of {name} ") as raised:
        find_adapter("acme+https://host")
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


def test_two_packages_with_one_scheme_are_named(packages: Path) -> None:
    install(packages, "acme_one", module=WORKING)
    install(packages, "acme_two", module=WORKING)
    with pytest.raises(ValueError, match=r"several packages .* acme_one \(acme_one:ADAPTER\), acme_two"):
        find_adapter("acme+https://host")
