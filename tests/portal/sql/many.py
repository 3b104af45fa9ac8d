"""A company with many invoices, for the plans of the queries and for ``benches.sql_portal``."""

import datetime

from sqlalchemy import text

from tests.portal.sql.company import LONG_AGO, TREMBLAY, ZED, Company, invoice, member, order

FIRST_CUSTOMER = 1000
_BATCH = 5000


async def fill_many(company: Company, invoices: int, *, customers: int) -> None:
    """Add invoices: a tenth of them of one customer, the others evenly of ``customers``, each with one person."""
    ids = [TREMBLAY, ZED, *range(FIRST_CUSTOMER, FIRST_CUSTOMER + customers)]
    await company.add("customers", *({"id": id_, "name": f"Customer {id_}"} for id_ in ids))
    await company.add(
        "people",
        *({"id": id_, "email": f"person{id_}@example.test", "name": f"Person {id_}", "language": "fr"} for id_ in ids),
    )
    await company.add("memberships", *(member(id_, id_) for id_ in ids))
    orders = [order(id_, id_, f"O-{id_}", starts_on="2026-01-01") for id_ in ids]
    await company.add("orders", *orders)
    rows = []
    for number in range(invoices):
        customer = FIRST_CUSTOMER + number % customers if number % 10 else TREMBLAY
        day = datetime.date(2016, 1, 1) + datetime.timedelta(days=number * 3650 // invoices)
        paid = "0" if number > invoices - 20 else f"{number % 3000 + 0.5}"
        at = LONG_AGO + datetime.timedelta(seconds=number)
        rows.append(
            invoice(number, customer, f"F-{1_000_000 + number}", day.isoformat(), f"{number % 3000 + 0.5}", paid,
                    order_id=customer, issued_at=at, created_at=at, updated_at=at)
        )  # fmt: skip
        if len(rows) == _BATCH:
            await company.add("invoices", *rows)
            rows = []
    await company.add("invoices", *rows)
    match company.dialect:
        case "mysql":
            await company.run("ANALYZE TABLE invoices, people, memberships, orders")
        case "postgresql":
            async with company.engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(text("VACUUM ANALYZE"))
        case _:
            await company.run("ANALYZE")
