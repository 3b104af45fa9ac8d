"""The portal's menu in both languages: keys that the bot knows, and others."""

from sandbox.portal.data.tables import LinkRow

# A path is a page of the portal; a URL is elsewhere.
_MENU = (
    ("login", "/connexion", "Se connecter au portail", "Sign in to the portal"),
    ("forgot_password", "/mot-de-passe", "Mot de passe oublié", "Forgotten password"),
    ("learn_more", "https://odotrack.example.com/", "En savoir plus", "Learn more"),
    ("app", "https://app.odotrack.example.com/", "Lancer ODOTRACK", "Launch ODOTRACK"),
    ("guide_fr", "/guides/odotrack-fr.pdf", "Guide de l'utilisateur (français)", "User guide (French)"),
    ("guide_en", "/guides/odotrack-en.pdf", "Guide de l'utilisateur (anglais)", "User guide (English)"),
    ("address_book", "/carnet", "Carnet d'adresses", "Address book"),
    ("renewal", "/renouvellement", "Renouvellement", "Renewal"),
    ("credit_cards", "/cartes", "Cartes de crédit", "Credit cards"),
    ("help", "/aide", "Aide", "Help"),
)


def menu_rows() -> list[LinkRow]:
    return [
        LinkRow(key=key, language=language, position=position, title=title, url=url)
        for position, (key, url, french, english) in enumerate(_MENU)
        for language, title in (("fr", french), ("en", english))
    ]
