"""A detail leads back to the list that it was opened from: its page, filter and search."""

import pytest

from tests.scene import Scene

BOREAL = "flotte@example.test"
BACK = {"fr": "Retour à la liste", "en": "Back to the list"}


def number_in(labels: list[str]) -> str:
    return next(label for label in labels if label.isdigit())


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    "asked",
    [
        "/apayer",
        "factures en retard",
        "factures de septembre 2026",
        "factures payées",
        "factures annulées",
        "contrats actifs",
    ],
)
async def test_detail_leads_back_to_its_list(scene: Scene, language: str, asked: str) -> None:
    scene.portal.portal.billing.cancel_invoice("a-2003", "240125")
    person = await scene.linked(language, BOREAL)
    shown = await scene.say(person, asked)
    await scene.tap(person, number_in(shown.labels))
    assert (await scene.tap(person, BACK[language])).text == shown.text


@pytest.mark.parametrize("command", ["/factures", "/commandes"])
async def test_detail_leads_back_to_its_page(scene: Scene, command: str) -> None:
    camille = await scene.linked("fr", BOREAL)
    await scene.say(camille, command)
    second = await scene.tap(camille, "›")
    await scene.tap(camille, number_in(second.labels))
    assert (await scene.tap(camille, BACK["fr"])).text == second.text


async def test_detail_leads_back_to_its_search(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    await scene.say(camille, "/factures")
    await scene.tap(camille, "Rechercher")
    found = await scene.say(camille, "carburant")
    await scene.tap(camille, number_in(found.labels))
    assert (await scene.tap(camille, BACK["fr"])).text == found.text


async def test_search_that_does_not_fit_leads_to_all(scene: Scene) -> None:
    """A long search is left out of the button as a whole: a shorter one would find other invoices."""
    camille = await scene.linked("fr", BOREAL)
    await scene.say(camille, "/factures")
    await scene.tap(camille, "Rechercher")
    found = await scene.say(camille, "plan pro 3 ans rapports de carburant ifta escompte de volume")
    detail = await scene.tap(camille, number_in(found.labels))
    assert BACK["fr"] not in detail.labels
    assert "1 à 5 de 34" in (await scene.tap(camille, "Toutes les factures")).text


async def test_lines_of_an_order_keep_its_list(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    shown = await scene.say(camille, "contrats actifs")
    await scene.tap(camille, "32010")
    await scene.tap(camille, "›")
    assert (await scene.tap(camille, BACK["fr"])).text == shown.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_next_end_is_named_where_none_is_soon(scene: Scene, language: str) -> None:
    person = await scene.linked(language, BOREAL)
    shown = await scene.say(person, "contrats qui finissent bientôt")
    assert "30900" in shown.text
    assert "90" in shown.text
    scene.later(days=6)
    listed = await scene.say(person, "contrats qui finissent bientôt")
    assert [label for label in listed.labels if label.isdigit()] == ["30900"]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("command", ["/factures", "/apayer"])
async def test_rows_do_not_wrap_on_a_telephone(scene: Scene, language: str, command: str) -> None:
    """About 38 characters fit into a line at 390 px."""
    person = await scene.linked(language, BOREAL)
    shown = await scene.say(person, command)
    assert [line for line in shown.text.split("\n")[1:] if len(line) > 38] == []
