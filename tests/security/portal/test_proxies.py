"""Hostile numbers through real reverse proxies reach no other customer's document."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import stamina

from portal.conformance.check import Outcome
from portal.conformance.path_checks import check_paths
from portal.errors import PortalUnavailable
from portal.http import HttpPortal
from sandbox.portal.server import PortalServer
from tests.portal.conformance.test_portal_check import subject_at
from tests.security.attack import attack, ordinary
from tests.security.hostile import ATTACKER, HOSTILE, OWN_INVOICE, VICTIM, VICTIM_INVOICE
from tests.security.proxies import PROXIES, Proxy, before

pytestmark = [pytest.mark.proxy, pytest.mark.timeout(300)]
TOKEN = "secret"
FOLDED = f"1%2F..%2F..%2F..%2F..%2F..%2F{VICTIM.replace('/', '%2F')}%2Finvoices%2F{VICTIM_INVOICE}"


@dataclass(frozen=True, slots=True)
class Behind:
    """The sandbox's portal, and the URL of the proxy before it."""

    proxy: Proxy
    portal: PortalServer
    url: str


@pytest.fixture(params=PROXIES, ids=lambda proxy: proxy.name)
async def behind(request: pytest.FixtureRequest) -> AsyncIterator[Behind]:
    async with PortalServer(TOKEN) as portal, before(portal.url, request.param) as url:
        with stamina.set_testing(True, attempts=2, cap=True):
            yield Behind(request.param, portal, url)


def test_at_least_40_hostile_numbers_are_tried() -> None:
    assert len(HOSTILE) >= 40


async def test_hostile_numbers_reach_no_other_data(behind: Behind) -> None:
    await attack(behind.url, TOKEN, behind.portal.log)


async def test_usual_numbers_work_behind_every_proxy(behind: Behind) -> None:
    """Numbers open behind every proxy; the PDF of a number with a slash only where paths are passed unchanged."""
    await ordinary(behind.url, TOKEN, pdf_of_slashed=behind.proxy.keeps_paths)


async def test_decoding_proxy_opens_another_invoice(behind: Behind) -> None:
    """A path that the client does not send opens another customer's invoice where ``%2F`` is decoded."""
    path = f"/v1/contacts/{ATTACKER.contact_id}/accounts/{ATTACKER.account_id}/invoices/{FOLDED}"
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        answer = await client.get(f"{behind.url}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code == 200) == behind.proxy.decodes_slashes


async def test_check_reports_proxies_that_decode_paths(behind: Behind) -> None:
    """The check names the proxies that decode or fold paths, and only those."""
    subject = await subject_at(behind.url, TOKEN, "anna@example.test")
    findings = await check_paths(behind.url, TOKEN, subject)
    broken = [finding.promise for finding in findings if finding.outcome is Outcome.BROKEN]
    assert ("A proxy in front must not decode or fold paths" in broken) != behind.proxy.keeps_paths


async def test_proxy_without_its_portal_is_unavailable(behind: Behind) -> None:
    """A proxy whose portal is down says 502 or 503."""
    await behind.portal.stop()
    portal = HttpPortal(behind.url, TOKEN)
    with pytest.raises(PortalUnavailable):
        await portal.invoice(ATTACKER, OWN_INVOICE)
    await portal.aclose()
