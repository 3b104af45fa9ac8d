"""Words that point at papers: of an order, of another month than the last answer's, of an amount, a state, a season."""

import pytest

from tests.conversations.general.test_newcomers import FLEET
from tests.scene import Scene


@pytest.mark.parametrize(
    ("language", "asked", "title", "none"),
    [
        ("fr", "factures de la commande {}", "Factures de la commande nº\N{NO-BREAK SPACE}31450", "Aucune commande"),
        ("en", "the invoices for order {} please", "Invoices of order no.\N{NO-BREAK SPACE}31450", "no order"),
    ],
)
async def test_invoices_of_an_order_in_words(scene: Scene, language: str, asked: str, title: str, none: str) -> None:
    person = await scene.linked(language, FLEET)
    assert (await scene.say(person, asked.format("31450"))).text.startswith(title)
    unknown = await scene.say(person, asked.format("99999"))
    assert none.lower() in unknown.text.lower()
    assert "99999" in unknown.text


@pytest.mark.parametrize(
    ("language", "texts", "title", "period"),
    [
        ("fr", ("je voulais dire septembre", "pareil pour septembre", "le mois passé"), "Factures", "septembre 2026"),
        ("en", ("no I meant September", "same thing for September", "last month"), "Invoices", "September 30, 2026"),
    ],
)
async def test_another_period_lists_its_invoices(
    scene: Scene, language: str, texts: tuple[str, ...], title: str, period: str
) -> None:
    person = await scene.linked(language, FLEET)
    for text in texts:
        screen = await scene.say(person, text)
        assert screen.text.startswith(title), text
        assert period in screen.text, text


@pytest.mark.parametrize(
    ("language", "texts", "expected"),
    [
        (
            "fr",
            (
                "celle de 1293.08",
                "ma dernière facture est-tu payée",
                "mes factures sont-elles payées",
                "factures hiver 2026",
            ),
            ("240130", "Facture nº\N{NO-BREAK SPACE}240130", "Solde", "28 février 2026"),
        ),
        (
            "en",
            ("the one for 1293.08", "is my last invoice paid", "are my invoices paid", "invoices from last winter"),
            ("240130", "Invoice no.\N{NO-BREAK SPACE}240130", "Balance", "February 28, 2026"),
        ),
    ],
)
async def test_amounts_states_and_seasons(
    scene: Scene, language: str, texts: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    person = await scene.linked(language, FLEET)
    for text, words in zip(texts, expected, strict=True):
        assert words in (await scene.say(person, text)).text, text


@pytest.mark.parametrize(
    ("language", "texts", "note"),
    [
        ("fr", ("factures de plus de 2000 $", "ma facture la plus élevée"), "ne se filtrent pas par montant"),
        ("en", ("invoices over $2000", "my biggest invoice"), "cannot be filtered by amount"),
    ],
)
async def test_amounts_that_cannot_be_compared_are_said(
    scene: Scene, language: str, texts: tuple[str, ...], note: str
) -> None:
    person = await scene.linked(language, FLEET)
    for text in texts:
        screen = await scene.say(person, text)
        assert note in screen.text, text
        assert "240130" in screen.text, text


@pytest.mark.parametrize(
    ("language", "texts", "title"),
    [
        ("fr", ("factures impayées à ce jour", "avant le 1er décembre je dois payer quoi"), "Factures à payer"),
        ("en", ("what's unpaid as of today", "what do I need to pay before Dec 1"), "Invoices to pay"),
    ],
)
async def test_what_is_due_up_to_a_day_lists_all_that_is_owed(
    scene: Scene, language: str, texts: tuple[str, ...], title: str
) -> None:
    person = await scene.linked(language, FLEET)
    for text in texts:
        screen = await scene.say(person, text)
        assert screen.text.startswith(title), text
        assert "240130" in screen.text, text


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("fr", ("net 30 ou net 45", "plus que 90 jours", "avant le 31 mars 2026 je pourrais avoir de vos nouvelles")),
        ("en", ("net 30 or net 45", "more than 90 days", "would it be possible before Dec 1 or on Jan 15 please")),
    ],
)
async def test_dates_and_measures_are_no_numbers(scene: Scene, language: str, texts: tuple[str, ...]) -> None:
    person = await scene.linked(language, FLEET)
    for text in texts:
        answer = (await scene.say(person, text)).text
        assert "312026" not in answer, text
        assert "3045" not in answer, text
        assert "nº" not in answer.split("\n")[0], text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_number_with_thousands_signs_opens(scene: Scene, language: str) -> None:
    person = await scene.linked(language, FLEET)
    for text in ("240.130", "#240,130", "240 130"):
        assert "240130" in (await scene.say(person, text)).text.split("\n")[0], text
    both = await scene.say(person, "240 128 & 240129")
    assert {"240128", "240129"} <= {word for label in both.labels for word in label.split()}


@pytest.mark.parametrize(
    ("language", "text"), [("fr", "l’appareil est débranché"), ("en", "my tracker got disconnected")]
)
async def test_device_without_power_does_not_unlink(scene: Scene, language: str, text: str) -> None:
    person = await scene.linked(language, FLEET)
    screen = await scene.say(person, text)
    assert "/portail" in screen.text or "/portal" in screen.text
    assert len(screen.labels) == 1
