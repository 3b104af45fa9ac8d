"""The orders and invoices of the hand-made accounts, except Transport Boréal."""

from collections.abc import Iterator
from datetime import date, timedelta

from sandbox.portal.data.money import add_taxes, parse_cents, split_total
from sandbox.portal.data.rows import PricedLine, invoice_row, order_row
from sandbox.portal.data.tables import InvoiceRow, OrderRow

Documents = Iterator[OrderRow | InvoiceRow]


def exact_documents() -> Documents:
    """Yield the exact examples of the bot's texts."""
    lines = (
        PricedLine(1, "Plan Pro", 2495),
        PricedLine(1, "Appareil ODO50", 9900),
        PricedLine(34, "Plan Pro - 3 ans", 34 * 295),
        PricedLine(1, "Frais d'activation", 1500),
        PricedLine(1, "Cable OBD2 à 3 broches", 1495),
        PricedLine(None, "Escompte cable OBD2 à 3 broches", -1495),
        PricedLine(1, "FedEx", 1565),
    )
    ordered = date(2020, 9, 28)
    agreement = [(line.quantity, line.description) for line in lines]
    yield order_row("a-2001", "26387", ordered, date(2023, 9, 27), 0, agreement)
    yield invoice_row("a-2001", "212380", ordered, parse_cents("293.08"), lines, paid_on=ordered, order_number="26387")
    months = (("30677", 2015, 11), ("33642", 2015, 12), ("36627", 2016, 1), ("39654", 2016, 2))
    for number, year, month in months:
        day = date(year, month, 7)
        amount = parse_cents("40.19")
        plan = PricedLine(1, "Plan Pro - mensuel", split_total(amount).subtotal)
        yield invoice_row("a-2002", number, day, amount, [plan], paid_on=day)


def other_documents(today: date) -> Documents:
    yield from _north_shore(today)
    yield from _odd_characters(today)
    yield from _laflamme(today)
    yield from _chenier(today)
    yield from _series(today)


def month_start(today: date, months_ago: int) -> date:
    """Return the first day of the month `months_ago` months before today's."""
    month = today.year * 12 + today.month - 1 - months_ago
    return date(month // 12, month % 12 + 1, 1)


def _north_shore(today: date) -> Documents:
    """Yield an English customer's two orders and 14 invoices, of which three are unpaid."""
    vans = [PricedLine(12, "Pro Plan, delivery vans", 12 * 2495), PricedLine(12, "Driver identification", 12 * 300)]
    monthly = add_taxes(sum(line.cents for line in vans)).total
    yield order_row(
        "a-2004",
        "41010",
        today - timedelta(days=680),
        today + timedelta(days=415),
        62,
        [(12, "Pro Plan, delivery vans"), (12, "ODO60 tracking device"), (12, "Driver identification")],
    )
    yield order_row(
        "a-2004",
        "41077",
        today - timedelta(days=40),
        today + timedelta(days=1055),
        10,
        [(3, "ODO60 tracking device"), (3, "Pro Plan, reefer trailers"), (None, "Volume discount"), (1, "Purolator")],
    )
    for months_ago in range(11, -1, -1):
        day = month_start(today, months_ago)
        unpaid = months_ago < 2
        yield invoice_row(
            "a-2004",
            str(250118 - months_ago),
            day,
            monthly,
            vans,
            due=day + timedelta(days=30),
            balance_cents=monthly if unpaid else 0,
            paid_on=None if unpaid else day + timedelta(days=12),
            order_number="41010",
        )
    install = [PricedLine(3, "ODO60 tracking device", 44700), PricedLine(1, "On-site installation", 22500)]
    yield invoice_row(
        "a-2004",
        "250130",
        today - timedelta(days=38),
        add_taxes(67200).total,
        install,
        balance_cents=add_taxes(67200).total,
        order_number="41077",
    )
    refund = [PricedLine(1, "Credit: device returned", -14900)]
    yield invoice_row(
        "a-2004", "250131", today - timedelta(days=20), add_taxes(-14900).total, refund, order_number="41077"
    )


def _odd_characters(today: date) -> Documents:
    """Yield documents whose numbers and descriptions need escaping."""
    number = "A/26 #1?<é>%_\\"
    lines = [PricedLine(2, '<a href="https://evil.example">Plan & Co</a>', 4990), PricedLine(1, "_100 %_ *gras*", 1000)]
    agreement = [(line.quantity, line.description) for line in lines]
    yield order_row("a-2005", number, today - timedelta(days=30), None, 5, agreement)
    yield invoice_row(
        "a-2005",
        "F/1&2 <3>",
        today - timedelta(days=30),
        add_taxes(5990).total,
        lines,
        due=today,
        balance_cents=add_taxes(5990).total,
        order_number=number,
    )


def _laflamme(today: date) -> Documents:
    """Yield the documents of one contact's four accounts: the third is empty, the last shows no invoices."""
    for place, account_id in enumerate(("a-2006", "a-2007", "a-2009")):
        line = PricedLine(5 + place, "Plan Télémétrie", (5 + place) * 3495)
        start = today - timedelta(days=200 + place)
        order_number = str(43001 + place)
        agreement = [(line.quantity, line.description)]
        yield order_row(account_id, order_number, start, start + timedelta(days=1095), 20 + place, agreement)
        amount = add_taxes(line.cents).total
        for months_ago in (2, 1, 0):
            day = month_start(today, months_ago)
            yield invoice_row(
                account_id,
                str(260010 + 10 * place - months_ago),
                day,
                amount,
                [line],
                due=day + timedelta(days=30),
                balance_cents=amount if months_ago == 0 else 0,
                paid_on=day + timedelta(days=3) if months_ago else None,
                order_number=order_number,
            )


def _chenier(today: date) -> Documents:
    """Yield the documents of two accounts with one shared email and the same order number."""
    day = month_start(today, 0)
    for account_id, number, plan in (("a-2010", "270001", "Plan Base"), ("a-2011", "270002", "Base Plan")):
        line = PricedLine(1, plan, 1995)
        yield order_row(account_id, "44001", day, day + timedelta(days=365), 0, [(1, plan)])
        yield invoice_row(account_id, number, day, add_taxes(1995).total, [line], paid_on=day, order_number="44001")


INVOICE_SERIES = (
    "ACC-SINV-2026-00012", "INV-2026-7", "INV-2026-17", "F 2026 0042", "2026/08/0001", "2026.09.0001", "QWERT", "N°77",
    "2026/10", "2026/10/12", "inv-9001", "INV-9001", "№ 5-А", "2026-10-15", "Été-1", "000123", "A_B_1", "7",
)  # fmt: skip
"""Numbers of invoices: with a prefix, spaces, slashes or dots, a word, in two cases, in Cyrillic, like a date."""
ORDER_SERIES = ("TOKYO-A7XK9-1", "SO/2026/0007", "CMD 8", "PO#12", "654321", "K7QM-2XVP")


def _series(today: date) -> Documents:
    """Yield documents numbered in every way: two with the shape of a mailed code are ``654321`` and ``K7QM-2XVP``."""
    line = PricedLine(1, "Plan Base", 1995)
    for place, number in enumerate(INVOICE_SERIES):
        yield invoice_row("a-2012", number, today - timedelta(days=5 + place), add_taxes(1995).total, [line])
    for place, number in enumerate(ORDER_SERIES):
        yield order_row("a-2012", number, today - timedelta(days=90 + place), None, 5, [(1, "Plan Base")])
    yield invoice_row("a-2013", "SUC-2026-1", today - timedelta(days=3), add_taxes(1995).total, [line])
    yield order_row("a-2013", "SUC-SO-1", today - timedelta(days=60), None, 5, [(1, "Plan Base")])
