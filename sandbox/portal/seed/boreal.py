"""Transport Boréal inc.: a fleet of 35 vehicles, with 34 invoices and an order of every kind."""

from collections.abc import Iterator
from datetime import date, timedelta

from sandbox.portal.data.money import add_taxes, parse_cents, split_total
from sandbox.portal.data.rows import PricedLine, Quantity, invoice_row, order_row
from sandbox.portal.data.tables import InvoiceRow, OrderRow
from sandbox.portal.seed.documents import Documents, month_start

ACCOUNT = "a-2003"
FLEET_ORDER = "31200"
INSTALLATION_ORDER = "31450"
MONTHLY_INVOICES = 30


def boreal_documents(today: date) -> Documents:
    yield from _orders(today)
    # Oldest first: the row id orders the invoices of one day.
    yield from sorted([*_monthly(today), *_others(today)], key=lambda invoice: invoice.date)


def _orders(today: date) -> Iterator[OrderRow]:
    ended = today - timedelta(days=900)
    fleet: list[tuple[Quantity, str]] = [
        (35, "Plan Pro - 3 ans"),
        (35, "Appareil ODO50"),
        (35, "Frais d'activation"),
        (None, "Escompte de volume"),
        (1, "FedEx"),
    ]
    yield order_row(ACCOUNT, "29870", ended - timedelta(days=1095), ended, 100, fleet[:2])
    yield order_row(ACCOUNT, FLEET_ORDER, month_start(today, 30), month_start(today, -6), 83, fleet)
    # The first notice of its end is due five days after seeding.
    soon = today + timedelta(days=95)
    yield order_row(ACCOUNT, "30900", soon - timedelta(days=365), soon, 74, [(4, "Plan Télémétrie"), (4, "Sonde")])
    yield order_row(
        ACCOUNT,
        INSTALLATION_ORDER,
        today - timedelta(days=120),
        today - timedelta(days=60),
        100,
        [(8, "Installation sur place"), (8, "Caméra de bord AI-12"), (1, "Déplacement, Saguenay – Chibougamau")],
    )
    sixty: list[tuple[Quantity, str]] = [
        (1, f"Unité {unit:02d} : ODO60 avec capteur de température et identification du conducteur")
        for unit in range(1, 61)
    ]
    yield order_row(ACCOUNT, "32010", today - timedelta(days=75), today + timedelta(days=1020), 40, sixty)
    yield order_row(ACCOUNT, "32555", None, None, None, [(None, "À confirmer avec le client")], has_page=False)


def _monthly(today: date) -> Iterator[InvoiceRow]:
    """Yield 30 monthly invoices: the newest due, one partly paid, one overdue, the others paid."""
    amount = parse_cents("1293.08")
    lines = _fleet_lines(split_total(amount).subtotal)
    balances = {0: amount, 1: parse_cents("793.08"), 2: amount}
    for months_ago in range(MONTHLY_INVOICES - 1, -1, -1):
        day = month_start(today, months_ago)
        balance = balances.get(months_ago, 0)
        yield invoice_row(
            ACCOUNT,
            str(240130 - months_ago),
            day,
            amount,
            lines,
            due=day + timedelta(days=30),
            balance_cents=balance,
            paid_on=None if balance else day + timedelta(days=21),
            order_number=FLEET_ORDER,
        )


def _fleet_lines(subtotal: int) -> list[PricedLine]:
    plan, reports = 35 * 2995, 35 * 500
    return [
        PricedLine(35, "Plan Pro - 3 ans", plan),
        PricedLine(35, "Rapports de carburant (IFTA)", reports),
        PricedLine(None, "Escompte de volume", subtotal - plan - reports),
    ]


def _others(today: date) -> Iterator[InvoiceRow]:
    """Yield three invoices of the installation, one with over 50 lines, and a credit note."""
    deposit = [PricedLine(8, "Caméra de bord AI-12", 8 * 34900), PricedLine(None, "Acompte de 50 %", -4 * 34900)]
    visits = [PricedLine(8, "Installation sur place", 8 * 12500), PricedLine(1, "Déplacement, Chibougamau", 38500)]
    units = [
        PricedLine(1, f"Unité {unit:02d} : mise en service du capteur de température", 4500) for unit in range(1, 61)
    ]
    credit = [PricedLine(1, "Crédit : caméra retournée, garantie du fabricant", -34900)]
    for number, days_ago, lines, paid_after in (
        ("240201", 118, deposit, 10),
        ("240202", 70, visits, None),
        ("240203", 64, units, 30),
        ("240204", 45, credit, None),
    ):
        day = today - timedelta(days=days_ago)
        amount = add_taxes(sum(line.cents for line in lines)).total
        yield invoice_row(
            ACCOUNT,
            number,
            day,
            amount,
            lines,
            due=day + timedelta(days=45) if amount > 0 else None,
            balance_cents=amount if paid_after is None and amount > 0 else 0,
            paid_on=day + timedelta(days=paid_after) if paid_after else None,
            order_number=INSTALLATION_ORDER,
            has_page=amount > 0,
        )
