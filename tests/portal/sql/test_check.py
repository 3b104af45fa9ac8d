"""`odobot portal-check` of a company's database: what it has not, and what is missing or of the wrong type."""

from tests.portal.conformance.test_portal_check import broken, check
from tests.portal.sql.company import Company

PEOPLE = ("--email", "client@example.test", "--other-email", "zed@example.test")
INVOICES = "CREATE VIEW odobot_invoices AS SELECT customer_id AS account_id, number, date, {columns} FROM invoices"


async def redefine(company: Company, columns: str) -> None:
    """Make the view of the invoices anew."""
    await company.run("DROP VIEW odobot_invoices", INVOICES.format(columns=columns))


async def test_correct_views_have_no_finding(company: Company) -> None:
    code, output = await check(company.url, *PEOPLE)
    lines = broken(output)
    # The company has no PDFs.
    assert {line.partition("BROKEN")[2].strip().partition(":")[0] for line in lines} <= {
        "An invoice's PDF is a whole PDF with an ETag, which the portal then takes for unchanged",
        "Each invoice has a PDF of its own, with its number in the text",
        "A PDF comes where the known ETag is not its own",
        "Where another customer has the same number, one's own order, invoice and PDF come",
    }
    assert "kept" in output
    assert code == (1 if lines else 0)


async def test_columns_that_the_views_lack(company: Company) -> None:
    await redefine(company, "total AS amount, total - paid AS balance")
    _, output = await check(company.url, *PEOPLE)
    assert "not told" in output
    assert "odobot_invoices.due_date" in output
    assert not any("odobot_invoices" in line for line in broken(output))


async def test_missing_column_is_named(company: Company) -> None:
    await redefine(company, "total - paid AS balance")
    code, output = await check(company.url, *PEOPLE)
    assert code == 1
    assert any("odobot_invoices.amount" in line for line in broken(output)), output
