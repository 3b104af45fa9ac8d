"""/factures: the list, the unpaid invoices, and one invoice."""

import datetime

import pytest

from tests.scene import Scene

NBSP = "\u00a0"
BOREAL = "flotte@example.test"
NORTH_SHORE = "anna@example.test"

FIRST_ACCOUNT = {
    "fr": (("2020-09-28", "nº\u00a0212380", "293,08\u00a0$", "payée"), "Payée le 28 septembre 2020"),
    "en": (("2020-09-28", "212380", "$293.08", "paid"), "Paid on September 28, 2020"),
}
MONTHLY = (("39654", "2016-02-07"), ("36627", "2016-01-07"), ("33642", "2015-12-07"), ("30677", "2015-11-07"))
PAID_IN_MONTHS = {
    "fr": ("7 février 2016", "7 janvier 2016", "7 décembre 2015", "7 novembre 2015"),
    "en": ("February 7, 2016", "January 7, 2016", "December 7, 2015", "November 7, 2015"),
}
# What the list's row says, what the invoice says: of an account that has one of each on 2026-10-15.
STATES = [
    ("fr", "240130", ("2026-10-01", "1\u00a0293,08\u00a0$", "31 octobre"), ("1er octobre 2026", "31 octobre 2026")),
    ("fr", "240129", ("2026-09-01", "reste 793,08\u00a0$"), ("En retard", "793,08\u00a0$", "1er octobre 2026")),
    ("fr", "240204", ("-401,26\u00a0$", "crédit"), ("Note de crédit", "-401,26\u00a0$")),
    ("fr", "240203", ("3\u00a0104,33\u00a0$", "payée"), ("Payée le 11 septembre 2026",)),
    ("fr", "240202", ("1\u00a0592,40\u00a0$", "20 septembre"), ("En retard", "20 septembre 2026")),
    ("en", "250118", ("2026-10-01", "$385.63", "due October 31"), ("To pay: $385.63", "October 31, 2026")),
    ("en", "250131", ("-$171.31", "credit"), ("Credit note: -$171.31",)),
    ("en", "250130", ("$772.63", "to pay"), ("To pay: $772.63",)),
    ("en", "250117", ("overdue", "October 1"), ("Overdue: $385.63", "October 1, 2026")),
    ("en", "250116", ("$385.63", "paid"), ("Paid on August 13, 2026",)),
]


def row_of(text: str, number: str) -> str:
    """Return what a list says about one invoice: a line, and the state on the line below."""
    lines = text.split("\n")
    place = next(place for place, line in enumerate(lines) if number in line)
    return " · ".join(lines[place : place + 2])


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_first_account_matches_the_specification(scene: Scene, language: str) -> None:
    cells, paid = FIRST_ACCOUNT[language]
    camille = await scene.linked(language)
    listed = await scene.say(camille, "/factures" if language == "fr" else "/invoices")
    assert listed.text.split("\n")[:2] == [
        f"{'Factures' if language == 'fr' else 'Invoices'} · Client Odotrack",
        "1 à 1 de 1" if language == "fr" else "1 to 1 of 1",
    ]
    assert all(cell in row_of(listed.text, "212380") for cell in cells)
    invoice = await scene.tap(camille, "212380")
    assert paid in invoice.text
    assert cells[2] in invoice.text
    assert any("PDF" in label for label in invoice.labels)
    assert invoice.labels[0] == invoice.button("PDF").label, "the most wanted button comes first"
    order = await scene.tap(camille, "26387")
    assert "FedEx" in order.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_second_account_matches_the_specification(scene: Scene, language: str) -> None:
    camille = await scene.linked(language)
    await scene.say(camille, "/compte")
    await scene.tap(camille, "Client Odotrack 2016")
    listed = await scene.say(camille, "/factures")
    amount, paid = (f"40,19{NBSP}$", "payée") if language == "fr" else ("$40.19", "paid")
    assert ("1 à 4 de 4" if language == "fr" else "1 to 4 of 4") in listed.text
    assert [label for label in listed.labels if label.isdigit()] == [number for number, _ in MONTHLY]
    for (number, day), long_day in zip(MONTHLY, PAID_IN_MONTHS[language], strict=True):
        row = row_of(listed.text, number)
        assert row.startswith(day)
        assert amount in row
        assert row.endswith(paid)
        invoice = await scene.say(camille, number)
        assert invoice.text.count(long_day) == 2, "the day it was issued, and the day it was paid"


@pytest.mark.parametrize(("language", "email"), [("fr", BOREAL), ("en", NORTH_SHORE)])
async def test_each_invoice_state_has_its_text(scene: Scene, language: str, email: str) -> None:
    person = await scene.linked(language, email)
    listed = (await scene.say(person, "/factures")).text
    for _, number, in_list, in_detail in [state for state in STATES if state[0] == language]:
        row = row_of(listed, number)
        assert [words for words in in_list if words not in row] == [], row
        invoice = await scene.say(person, number)
        assert [words for words in in_detail if words not in invoice.text] == [], invoice.text


async def test_late_partly_paid_invoice_is_listed_as_late(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    row = row_of((await scene.say(camille, "/factures")).text, "240129")
    assert "793,08" in row
    assert "1er octobre" in row, "it was due two weeks ago"


@pytest.mark.parametrize(
    ("language", "label", "where", "every"),
    [("fr", "À payer", "1 à 4 de 4", "Toutes les factures"), ("en", "To pay", "1 to 4 of 4", "All invoices")],
)
async def test_unpaid_invoices_list(scene: Scene, language: str, label: str, where: str, every: str) -> None:
    camille = await scene.linked(language, BOREAL)
    await scene.say(camille, "/invoices")
    screen = await scene.tap(camille, label)
    assert where in screen.text
    assert [each for each in screen.labels if each.isdigit()] == ["240130", "240129", "240202", "240128"]
    assert ("1 à 5 de 34" if language == "fr" else "1 to 5 of 34") in (await scene.tap(camille, every)).text


async def test_unpaid_invoices_are_paged(scene: Scene) -> None:
    for _ in range(3):
        scene.portal.portal.issue_invoice("a-2003", amount="10.00")
    camille = await scene.linked("fr", BOREAL)
    await scene.say(camille, "/factures")
    await scene.tap(camille, "À payer")
    screen = await scene.tap(camille, "›")
    assert "6 à 7 de 7" in screen.text
    assert [each for each in screen.labels if each.isdigit()] == ["240202", "240128"]


@pytest.mark.parametrize(
    ("language", "label", "words"), [("fr", "À payer", "Rien à payer"), ("en", "To pay", "Nothing")]
)
async def test_empty_unpaid_list_is_explained(scene: Scene, language: str, label: str, words: str) -> None:
    camille = await scene.linked(language)
    await scene.say(camille, "/factures")
    assert words in (await scene.tap(camille, label)).text


async def test_payment_shows_after_a_reload(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    await scene.say(camille, "/factures")
    scene.portal.portal.mark_paid("a-2003", "240130")
    screen = await scene.tap(camille, "1/7")
    assert row_of(screen.text, "240130").endswith("payée")


async def test_first_of_month_and_large_amounts_in_both_languages(scene: Scene) -> None:
    scene.portal.portal.issue_invoice("a-2001", amount="1234567.80", number="777001")
    scene.clock.advance(scene.clock.now().replace(month=11, day=1) - scene.clock.now())
    scene.portal.portal.issue_invoice("a-2001", amount="0.05", number="777002")
    camille = await scene.linked("fr")
    assert f"1{NBSP}234{NBSP}567,80{NBSP}$" in (await scene.say(camille, "777001")).text
    second = await scene.say(camille, "777002")
    assert f"Date{NBSP}: 1er novembre 2026" in second.text
    assert f"0,05{NBSP}$" in second.text
    await scene.say(camille, "/langue")
    await scene.tap(camille, "English")
    assert "November 1, 2026" in (await scene.say(camille, "777002")).text
    assert "$1,234,567.80" in (await scene.say(camille, "777001")).text


async def test_invoice_is_late_after_the_due_day_in_quebec(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    for hour, words in ((3, "à payer le 31 octobre"), (5, "31 octobre")):
        now = datetime.datetime(2026, 11, 1, hour, 30, tzinfo=datetime.UTC)  # 23 h 30 on the 31st; 1 h 30 on the 1st
        scene.clock.set(now)
        row = row_of((await scene.say(camille, "/factures")).text, "240130")
        assert words in row
        invoice = await scene.say(camille, "240130")
        assert ("En retard" in invoice.text) is (hour == 5)


async def test_button_keeps_its_account(scene: Scene) -> None:
    """A button stays with its account after another account was chosen."""
    camille = await scene.linked("fr")
    old = await scene.say(camille, "/factures")
    await scene.say(camille, "/compte")
    await scene.tap(camille, "Client Odotrack 2016")
    assert "39654" in (await scene.say(camille, "/factures")).text

    camille.tap("212380", message=old)
    invoice = await camille.wait_for_message(f"293,08{NBSP}$")
    assert "Client Odotrack" in invoice.text.split("\n")
    listed = await scene.tap(camille, "Toutes les factures")
    assert "212380" in listed.text
    assert "39654" not in listed.text
    assert "39654" in (await scene.say(camille, "/factures")).text, "commands act on the chosen account"


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_total_to_pay_stands_under_the_list(scene: Scene, language: str) -> None:
    """The total is that of all pages, and is left out for one invoice."""
    french = language == "fr"
    person = await scene.linked(language)
    portal = scene.portal.portal
    portal.issue_invoice("a-2001", amount="10.50", number="990001")
    assert ("(1 facture)" if french else "(1 invoice)") not in (await scene.say(person, "/apayer")).text
    for number in range(990002, 990009):
        portal.issue_invoice("a-2001", amount="10.00", number=str(number))
    shown = await scene.say(person, "/unpaid")
    total = "À payer\u00a0: 80,50\u00a0$ (8 factures)" if french else "To pay: $80.50 (8 invoices)"
    assert shown.text.split("\n")[-1] == total
