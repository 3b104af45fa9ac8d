"""/commandes: the list, one order, the lines of its agreement, and its invoices."""

import datetime

import pytest

from handlers.screens.orders import LINES_A_PAGE
from sandbox.telegram.model import Message
from tests.scene import Scene

NBSP = "\u00a0"
BOREAL = "flotte@example.test"
LINES = (
    "1 × Plan Pro",
    "1 × Appareil ODO50",
    "34 × Plan Pro - 3 ans",
    "1 × Frais d'activation",
    "1 × Cable OBD2 à 3 broches",
    "Escompte cable OBD2 à 3 broches",
    "1 × FedEx",
)
DETAIL = {
    "fr": ("28 septembre 2020", "27 septembre 2023", f"0{NBSP}%", "Facture (1)"),
    "en": ("September 28, 2020", "September 27, 2023", "0%", "Invoice (1)"),
}


def lines_of(screen: Message) -> list[str]:
    return [line.removeprefix("• ") for line in screen.text.split("\n") if line.startswith("• ")]


def add_orders(scene: Scene, count: int) -> None:
    """Add newer orders to Transport Boréal."""
    for day in range(count):
        start = datetime.date(2026, 10, 16) + datetime.timedelta(days=day)
        scene.portal.portal.create_order("a-2003", [(1, "Plan Pro")], start, number=f"5{day:04}")


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_order_matches_the_specification(scene: Scene, language: str) -> None:
    begins, ends, progress, invoices = DETAIL[language]
    camille = await scene.linked(language)

    listed = await scene.say(camille, "/commandes" if language == "fr" else "/orders")
    for fact in ("26387", "2020-09-28", "2023-09-27", progress, "1 × Plan Pro"):
        assert fact in listed.text
    assert max(map(len, listed.text.split("\n"))) <= 100, "the agreement is shortened"
    assert "…" in listed.text

    order = await scene.tap(camille, "26387")
    assert lines_of(order) == list(LINES)
    for fact in ("26387", "Client Odotrack", begins, ends, progress):
        assert fact in order.text
    assert invoices in order.labels


@pytest.mark.parametrize(("language", "to"), [("fr", "à"), ("en", "to")])
async def test_paging_through_34_orders_and_back(scene: Scene, language: str, to: str) -> None:
    add_orders(scene, 28)
    camille = await scene.linked(language, BOREAL)

    first = await scene.say(camille, "/orders")
    assert f"1 {to} 5 {'de' if language == 'fr' else 'of'} 34" in first.text.split("\n")
    assert "‹" not in first.labels
    assert "1/7" in first.labels
    seen = [label for label in first.labels if label.isdigit()]
    for page in range(2, 8):
        screen = await scene.tap(camille, "›")
        assert screen is first, "a page takes the place of the one before"
        assert f"{page}/7" in screen.labels
        seen += [label for label in screen.labels if label.isdigit()]
    assert f"31 {to} 34 {'de' if language == 'fr' else 'of'} 34" in first.text
    assert "›" not in first.labels
    assert len(set(seen)) == len(seen) == 34
    assert "6/7" in (await scene.tap(camille, "‹")).labels


async def test_middle_button_reloads_the_page(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    await scene.say(camille, "/commandes")
    await scene.tap(camille, "›")
    again = camille.tap("2/2")
    await camille.wait_for_answer(again)
    add_orders(scene, 6)

    screen = await scene.tap(camille, "2/2")
    assert "6 à 10 de 12" in screen.text
    assert "2/3" in screen.labels


async def test_page_length_follows_the_setting(scene: Scene) -> None:
    add_orders(scene, 6)
    camille = await scene.linked("fr", BOREAL)
    await scene.say(camille, "/parametres")
    await scene.tap(camille, "10 lignes")
    screen = await scene.say(camille, "/commandes")
    assert "1 à 10 de 12" in screen.text
    assert "1/2" in screen.labels


async def test_missing_page_becomes_the_last_page(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    old = await scene.say(camille, "/factures")
    for _ in range(6):
        await scene.tap(camille, "›")
    assert "31 à 34 de 34" in old.text
    await scene.say(camille, "/parametres")
    await scene.tap(camille, "10 lignes")

    camille.tap("‹", message=old)  # to page 6 of pages of 5: there are four of 10
    screen = await camille.wait_for_message("de 34")
    assert "31 à 34 de 34" in screen.text
    assert "4/4" in screen.labels


async def test_agreement_of_60_lines_is_paged_completely(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    order = await scene.say(camille, "32010")
    read = lines_of(order)
    assert len(read) <= LINES_A_PAGE
    while "›" in order.labels:
        order = await scene.tap(camille, "›")
        assert f"{len(read) + 1} à {len(read) + len(lines_of(order))} de 60" in order.text
        read += lines_of(order)
    assert [line[:14] for line in read] == [f"1 × Unité {unit:02} :" for unit in range(1, 61)]
    assert all("identification du conducteur" in line for line in read)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_order_without_dates_and_progress_shows_none(scene: Scene, language: str) -> None:
    camille = await scene.linked(language, BOREAL)
    await scene.say(camille, "/orders")
    listed = await scene.tap(camille, "›")
    assert "32555" in listed.text
    assert " · \n" not in listed.text
    order = await scene.tap(camille, "32555")
    assert lines_of(order) == ["À confirmer avec le client"]
    for word in ("None", "null", "%", "Début", "Start", "Fin", "End"):
        assert word not in order.text


async def test_order_opens_its_invoices_and_back(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    await scene.say(camille, "31450")
    invoices = await scene.tap(camille, "Factures (4)")
    assert "31450" in invoices.text.split("\n")[0]
    assert [label for label in invoices.labels if label.isdigit()] == ["240204", "240203", "240202", "240201"]
    order = await scene.tap(camille, "Commande 31450")
    assert "Caméra de bord AI-12" in order.text
    listed = await scene.tap(camille, "Toutes les commandes")
    assert "1 à 5 de 6" in listed.text


async def test_invoices_of_an_order_are_paged(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    await scene.say(camille, "31200")
    await scene.tap(camille, "Factures (30)")
    screen = await scene.tap(camille, "›")
    assert "31200" in screen.text.split("\n")[0]
    assert "6 à 10 de 30" in screen.text


async def test_order_without_invoices_has_no_invoice_button(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    order = await scene.say(camille, "30900")
    assert not [label for label in order.labels if "Facture" in label]


@pytest.mark.parametrize(("language", "words"), [("fr", "Aucune commande"), ("en", "no orders")])
async def test_account_without_orders_is_explained(scene: Scene, language: str, words: str) -> None:
    camille = await scene.linked(language)
    await scene.say(camille, "/compte")
    await scene.tap(camille, "Client Odotrack 2016")
    screen = await scene.say(camille, "/commandes")
    assert words in screen.text
    assert "Client Odotrack 2016" in screen.text
    invoices = await scene.tap(camille, "Factures" if language == "fr" else "Invoices")
    assert "39654" in invoices.text


async def test_quantities_follow_the_language(scene: Scene) -> None:
    lines = [(1234, "Étiquette"), (2.5, "Heures"), (0, "Sans frais"), (None, "Escompte")]
    scene.portal.portal.create_order("a-2001", lines, number="90001", progress=None)
    camille = await scene.linked("fr")
    order = await scene.say(camille, "90001")
    assert lines_of(order) == [f"1{NBSP}234 × Étiquette", "2,5 × Heures", "0 × Sans frais", "Escompte"]
    await scene.say(camille, "/langue")
    await scene.tap(camille, "English")
    order = await scene.say(camille, "90001")
    assert lines_of(order)[:2] == ["1,234 × Étiquette", "2.5 × Heures"]
