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
