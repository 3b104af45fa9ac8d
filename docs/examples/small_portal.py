"""A whole adapter: connects Odobot to the billing program of "Acme", whose JSON API is made up for this example.

    POST /clients/lookup {"mail": "…"}   -> [{"id": 7, "mail": "…", "other_mails": ["…"], "person": "…", "firm": "…"}]
    GET  /clients/7                      -> one of these; 404 if there is none
    GET  /clients/7/jobs                 -> [{"ref": "J-12", "begun": "2026-03-01", "until": null, "text": "…", "client": 7}]
    GET  /clients/7/bills                -> [{"id": 901, "ref": "2026/001", "issued": "2026-03-01", "due": "2026-03-31",
                                              "total": "293.08", "open": "93.08", "job": "J-12", "void": false, "client": 7}]
    GET  /bills/901.pdf                  -> the PDF
    GET  /log?since=2026-03-01T12:00:00Z -> [{"time": "…", "what": "bill_sent", "client": 7, "ref": "2026/001"}]

The package that has this file registers it under the scheme of its URLs, in pyproject.toml:

    [project.entry-points."odobot.portals"]
    "acme+https" = "small_portal:ADAPTER"

and the operator sets ODOBOT_PORTAL_URL=acme+https://billing.example.com and ODOBOT_PORTAL_TOKEN.
"""  # noqa: E501

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from portal.adapters.adapter import Adapter, Connection
from portal.adapters.urls import checked_web_url
from portal.client import Reader
from portal.errors import NotFound
from portal.models import Pdf
from portal.simple.feed import Change
from portal.simple.portal import SimplePortal
from portal.simple.rows import Row, renamed

SCHEME = "acme+"
EVENTS = {"bill_sent": "invoice.issued", "bill_paid": "invoice.paid", "job_begun": "order.created"}
"""What the program's log says, in the words of the contract. Anything else in the log is not told."""


class AcmePortal(SimplePortal):
    """The five reads. The base class does the rest: pages, search, filters, whose papers these are, and the feed."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        # The client of the JSON API: time limits, size limits, and the errors of the bot. No retries are needed here.
        headers = {"Authorization": f"Bearer {connection.token}"}
        self.api = self.json_api(connection.url.removeprefix(SCHEME), headers)

    async def read_customers(self, *, email: str | None = None, contact_id: str | None = None) -> Iterable[Row]:
        if contact_id is None:
            # In the body, since servers log URLs. The base class compares the addresses of what comes once more.
            return [_customer(row) for row in await self.api.post_json("/clients/lookup", body={"mail": email})]
        try:
            # Each {} is filled with an id, quoted. Here, and only here, a 404 means that there is no such client.
            row = await self.api.get_json("/clients/{}", contact_id, statuses={404: NotFound})
        except NotFound:
            return []  # the bot then unlinks them: so return nothing only where the program says that there is nobody
        return [_customer(row)]

    async def read_orders(self, reader: Reader) -> Iterable[Row]:
        jobs = await self.api.get_json("/clients/{}/jobs", reader.account_id)
        # `account_id` is compared with the reader's: should the API ever send another client's row, nobody sees it.
        names = {"number": "ref", "start_date": "begun", "end_date": "until", "account_id": "client"}
        return [renamed(job, **names) | {"lines": [renamed(job, description="text")]} for job in jobs]

    async def read_invoices(self, reader: Reader) -> Iterable[Row]:
        return [_invoice(bill) for bill in await self.api.get_json("/clients/{}/bills", reader.account_id)]

    async def read_pdf(self, reader: Reader, row: Any, limit: int) -> bytes | Pdf:
        # `row` is what read_invoices returned, so that it may have fields that only this program knows.
        return await self.api.get_pdf(
            "/bills/{}.pdf", str(row["bill_id"]), limit=limit, params={"lang": reader.language}
        )

    async def read_changes(self, since: datetime) -> Iterable[Change]:
        log = await self.api.get_json("/log", params={"since": since.isoformat()})
        return [
            Change(each["time"], EVENTS[each["what"]], each["client"], each["ref"])
            for each in log
            if each["what"] in EVENTS
        ]


def _customer(row: Any) -> Row:
    """In this program a client is both: the contact who reads, and the account that is read."""
    account = renamed(row, account_id="id", name="firm") | {"access": ["orders", "invoices"]}
    return renamed(row, contact_id="id", email="mail", aliases="other_mails", name="person") | {"accounts": [account]}


def _invoice(bill: Any) -> Row:
    names = {"number": "ref", "date": "issued", "due_date": "due", "amount": "total", "balance": "open"}
    row = renamed(bill, **names, order_number="job", account_id="client", bill_id="id", void="void")
    # A void bill is neither paid nor to be paid. Without a status, the balance decides.
    return row | {"status": "cancelled" if row.get("void") else None}


def _checked_url(url: str) -> str:
    """Called at the start of the bot; raises ValueError with one line that says what is expected."""
    return checked_web_url(url, SCHEME)


ADAPTER = Adapter(
    expected="acme+https://host",
    check_url=_checked_url,
    open=AcmePortal,
    token="a key of Acme's settings page",  # noqa: S106
)
