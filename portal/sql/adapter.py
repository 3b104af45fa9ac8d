"""The adapter of a company's database, for the entry points of the group ``odobot.portals``."""

from portal.adapters.adapter import Adapter, AdapterSetting, Connection
from portal.client import Portal
from portal.sql.database.address import EXPECTED, check_url, parse_address
from portal.sql.pdf import EXPECTED as EXPECTED_PDF, check_template, pdf_source
from portal.sql.portal import SqlPortal

PDF = "ODOBOT_PORTAL_PDF"
PDF_TOKEN = "ODOBOT_PORTAL_PDF_TOKEN"  # noqa: S105 - a setting's name


def open_portal(connection: Connection) -> Portal:
    """Make the portal. The database's password is ``ODOBOT_PORTAL_TOKEN`` where the URL has none.

    Raises:
        ValueError: the URL, the template of the PDFs or their token is wrong, or the driver is not installed.
    """
    settings = connection.settings
    address = parse_address(connection.url, connection.token)
    pdfs = pdf_source(settings.get(PDF, ""), settings.get(PDF_TOKEN, ""), connection.breaker)
    return SqlPortal(address, pdfs, links=connection.links, breaker=connection.breaker)


ADAPTER = Adapter(
    expected=EXPECTED,
    check_url=check_url,
    open=open_portal,
    settings=(
        AdapterSetting(PDF, EXPECTED_PDF, check_template),
        AdapterSetting(PDF_TOKEN, "the bearer token of the server of the PDFs", is_secret=True),
    ),
)
"""Serves ``sql+postgresql``, ``sql+mysql``, ``sql+mariadb`` and ``sql+sqlite``."""
