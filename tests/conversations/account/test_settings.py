"""Settings, notices, help and the portal's own menu."""

import pytest

from sandbox.portal.data.tables import LinkRow
from sandbox.portal.faults import Fault, FaultKind
from tests.scene import Scene

FLEET = "flotte@example.test"
WORDS = {
    "fr": ("/parametres", "/factures", "/commandes", "10 lignes", "5 lignes", "1 à 5 de 34", "1 à 10 de 34", "6 à 10"),
    "en": ("/settings", "/invoices", "/orders", "10 rows", "5 rows", "1 to 5 of 34", "1 to 10 of 34", "6 to 10"),
}
PORTAL = {
    "fr": (
        "Connexion",
        "Mot de passe oublié",
        "En savoir plus",
        "Lancer ODOTRACK",
        "Guide d’utilisation (français)",
        "Guide d’utilisation (anglais)",
        "Carnet d'adresses",
        "Renouvellement",
        "Cartes de crédit",
        "Aide",
    ),
    "en": (
        "Sign in",
        "Forgotten password",
        "Learn more",
        "Launch ODOTRACK",
        "User guide (French)",
        "User guide (English)",
        "Address book",
        "Renewal",
        "Credit cards",
        "Help",
    ),
}


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_page_length_is_stored(scene: Scene, language: str) -> None:
    settings, invoices, orders, ten, five, of_five, of_ten, second = WORDS[language]
    person = await scene.linked(language, FLEET)
    before = await scene.say(person, invoices)
    assert of_five in before.text

    shown = await scene.say(person, settings)
    assert f"✓ {five}" in shown.labels
    assert f"✓ {ten}" in (await scene.tap(person, ten)).labels
    after = await scene.say(person, invoices)
    assert of_ten in after.text
    assert len([label for label in after.labels if label.isdigit()]) == 10
    await scene.settled()
    assert of_ten in (await scene.say(person, invoices)).text
    assert "/1" not in "".join((await scene.say(person, orders)).labels)  # six orders: one page
    await scene.say(person, settings)
    await scene.tap(person, five)
    assert of_five in (await scene.say(person, invoices)).text
    assert second in (await scene.tap(person, "›")).text


async def test_forged_page_length_is_ignored(scene: Scene) -> None:
    person = await scene.linked(email=FLEET)
    settings = await scene.say(person, "/parametres")
    await scene.tap(person, "10 lignes")

    for data in ("1S7|", "1S2s|", "1S-1|"):
        person.forge_tap(settings, data)

    assert "1 à 10 de 34" in (await scene.say(person, "/factures")).text


async def test_settings_work_before_linking(scene: Scene) -> None:
    person = scene.person("es")

    await scene.say(person, "/settings")
    assert "✓ 10 lignes" in (await scene.tap(person, "10 lignes")).labels
    assert "Link my account" in (await scene.tap(person, "English")).labels
    assert "✓ 10 rows" in (await scene.say(person, "/settings")).labels


@pytest.mark.parametrize(
    ("language", "command", "subscription"), [("fr", "/avis", "Nouvelle facture"), ("en", "/notices", "New invoice")]
)
async def test_new_invoice_notices_are_switched_per_account(
    scene: Scene, language: str, command: str, subscription: str
) -> None:
    person = await scene.linked(language)  # and said no

    for account, taps, label in (
        ("Client Odotrack 2016", 0, subscription),
        ("Client Odotrack 2016", 1, f"✓ {subscription}"),
        ("Client Odotrack", 0, subscription),
        ("Client Odotrack 2016", 0, f"✓ {subscription}"),
        ("Client Odotrack 2016", 1, subscription),
    ):
        await scene.say(person, command)
        shown = await scene.tap(person, account)
        assert account in shown.text
        for _ in range(taps):
            shown = await scene.tap(person, subscription)
        assert label in shown.labels
        await scene.settled()


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_portal_menu_keeps_order_and_unknown_entries(scene: Scene, language: str) -> None:
    """The portal's menu is shown in its order, with entries that the bot does not know."""
    shown = await scene.say(scene.person(language), "/portail")

    assert tuple(shown.labels[:-1]) == PORTAL[language]
    urls = [button.url or "" for row in shown.buttons[:-1] for button in row]
    assert urls[0] == "https://portail.odotrack.example.com/connexion"
    assert all(url.startswith("https://") for url in urls)


async def test_invalid_menu_entry_does_not_hide_the_others(scene: Scene) -> None:
    with scene.portal.portal.database.session() as session:
        for position, url in enumerate(("javascript:alert(1)", "https://", "http://[::1", "https://a b.example.com")):
            row = LinkRow(key=f"odd{position}", language="fr", position=20 + position, title=f"Odd {position}", url=url)
            session.add(row)
        title = "<b>Zone</b> & ventes \u202e" + "x" * 100
        session.add(LinkRow(key="sales", language="fr", position=30, title=title, url="https://ventes.example.com/"))
        session.commit()

    labels = (await scene.say(scene.person(), "/portail")).labels

    assert tuple(labels[:10]) == PORTAL["fr"]
    assert labels[-2].startswith("<b>Zone</b> & ventes x")


@pytest.mark.parametrize(("language", "retry"), [("fr", "Réessayer"), ("en", "Try again")])
async def test_missing_menu_is_explained_and_can_be_retried(scene: Scene, language: str, retry: str) -> None:
    scene.portal.faults.set(Fault(FaultKind.MALFORMED_JSON, path="/v1/links"))
    person = scene.person(language)

    assert (await scene.say(person, "/portail")).labels[0] == retry
    scene.portal.faults.clear()
    assert tuple((await scene.tap(person, retry)).labels[:-1]) == PORTAL[language]


@pytest.mark.parametrize(
    ("language", "here", "there"),
    [
        (
            "fr",
            ("/commandes", "/factures", "/compte", "/portail"),
            ("Connexion", "Mot de passe oublié", "En savoir plus"),
        ),
        ("en", ("/orders", "/invoices", "/account", "/portal"), ("Sign in", "Forgotten password", "Learn more")),
    ],
)
async def test_help_links_to_orders_and_invoices(
    scene: Scene, language: str, here: tuple[str, ...], there: tuple[str, ...]
) -> None:
    """The help leads to orders and invoices in the chat and on the portal."""
    stranger = scene.person(language)
    shown = await scene.say(stranger, "/aide")
    assert all(word in shown.text for word in (*here, "Odotrack"))
    assert [label for label in there if label not in shown.labels] == []

    person = await scene.linked(language)
    await scene.say(person, "/help")
    assert (await scene.tap(person, {"fr": "Factures", "en": "Invoices"}[language])).text.count("212380") == 1


@pytest.mark.parametrize(
    ("email", "shown", "hidden"),
    [("commandes@example.test", "Commandes", "Factures"), ("comptable@example.test", "Factures", "Commandes")],
)
async def test_menus_offer_only_accessible_parts(scene: Scene, email: str, shown: str, hidden: str) -> None:
    person = await scene.linked(email=email)

    for text in ("/start", "/aide", "bonjour", "999999"):
        labels = (await scene.say(person, text)).labels
        assert shown in labels, text
        assert hidden not in labels, text


async def test_human_contact_is_a_setting(database_url: str) -> None:
    support = "418 555-0199 <aide@odotrack.test>"
    async with Scene(database_url, support=support, company="Flotte & fils") as scene:
        person = scene.person()
        for command in ("/aide", "/confidentialite"):
            text = (await scene.say(person, command)).text
            assert support in text
            assert "Flotte & fils" in text
