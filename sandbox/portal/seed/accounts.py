"""The hand-made rows of a new portal: the examples of the bot's texts, and accounts for tests.

Numbers and amounts never change. Dates are relative to the day of seeding, except those of *Client Odotrack*.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlmodel import Session

from sandbox.portal.data.folding import email_key
from sandbox.portal.data.tables import AccessRow, AccountRow, ContactRow
from sandbox.portal.seed.boreal import boreal_documents
from sandbox.portal.seed.documents import exact_documents, other_documents
from sandbox.portal.seed.menu import menu_rows

HTML_ACCOUNT_NAME = '<b>Tom & "Jerry"</b> \u202eevil'

BOTH = ("orders", "invoices")

_ACCOUNTS = (
    ("a-2001", "Client Odotrack", "1200, rue de l'Exemple\nRimouski (Québec)  G5L 0A0"),
    ("a-2002", "Client Odotrack 2016", "1200, rue de l'Exemple\nRimouski (Québec)  G5L 0A0"),
    ("a-2003", "Transport Boréal inc.", "35, chemin des Épinettes\nSaguenay (Québec)  G7H 0A0"),
    ("a-2004", "North Shore Couriers Ltd", "88 Harbour Road\nSept-Îles, Quebec  G4R 0A0"),
    ("a-2005", HTML_ACCOUNT_NAME, "1 <script>alert(1)</script> Street\nGatineau, Quebec  J8X 0A0"),
    ("a-2006", "Groupe Laflamme – Québec", "10, Grande Allée\nQuébec (Québec)  G1R 0A0"),
    ("a-2007", "Groupe Laflamme – Lévis", "20, côte du Passage\nLévis (Québec)  G6V 0A0"),
    ("a-2008", "Groupe Laflamme – Gatineau", "30, rue de l'Île\nGatineau (Québec)  J8X 0A0"),
    ("a-2009", "Groupe Laflamme – Rouyn-Noranda", "40, avenue du Cuivre\nRouyn-Noranda (Québec)  J9X 0A0"),
    ("a-2010", "Garage Chénier & Filles", "7, rang Saint-Achille\nMatane (Québec)  G4W 0A0"),
    ("a-2011", "Chenier Towing", "9 Line Road\nGranby, Quebec  J2G 0A0"),
    ("a-2012", "Atelier des Séries", "12, rue du Compteur\nSherbrooke (Québec)  J1H 0A0"),
    ("a-2013", "Atelier des Séries, succursale", "14, rue du Compteur\nSherbrooke (Québec)  J1H 0A0"),
)

_CONTACTS: tuple[tuple[str, str, str, str, dict[str, Sequence[str]]], ...] = (
    ("c-1001", "client@example.test", "Camille Client", "fr", {"a-2001": BOTH, "a-2002": BOTH}),
    ("c-1002", "flotte@example.test", "Geneviève Tremblay", "fr", {"a-2003": BOTH}),
    ("c-1003", "commandes@example.test", "Luc Gagnon", "fr", {"a-2003": ("orders",)}),
    ("c-1004", "anna@example.test", "Anna Campbell", "en", {"a-2004": BOTH}),
    ("c-1005", "html@example.test", "Tom <i>& Jerry</i>", "en", {"a-2005": BOTH}),
    (
        "c-1006",
        "quatre@example.test",
        "Andrée-Anne Laflamme",
        "fr",
        {"a-2006": BOTH, "a-2007": BOTH, "a-2008": BOTH, "a-2009": ("orders",)},
    ),
    # Two people with one email address.
    ("c-1007", "partage@example.test", "Josée Chénier", "fr", {"a-2010": BOTH}),
    ("c-1008", "partage@example.test", "Joe Chenier", "en", {"a-2011": BOTH}),
    ("c-1009", "Comptable@Example.Test", "Éric D'Amours", "fr", {"a-2003": ("invoices",), "a-2004": ("invoices",)}),
    # Numbers of every shape that accounting programs give.
    ("c-1011", "series@example.test", "Sérafine Nombre", "fr", {"a-2012": BOTH, "a-2013": BOTH}),
    # Addresses that carriers, intranets and RFC 5321 allow.
    ("c-1012", "keitai..odo@docomo.example.test", "Kei Tai", "en", {"a-2012": ("invoices",)}),
    ("c-1013", "ana@usine.local", "Ana Usine", "fr", {"a-2012": BOTH}),
    ("c-1010", "seul@example.test", "Solène Sans-Compte", "fr", {}),
)


def write_seed(session: Session, today: date) -> None:
    """Add all hand-made rows, in the caller's transaction."""
    session.add_all(AccountRow(account_id=id_, name=name, address=where) for id_, name, where in _ACCOUNTS)
    for contact_id, email, name, language, access in _CONTACTS:
        session.add(contact_row(contact_id, email, name, language))
        session.add_all(access_rows(contact_id, access))
    session.add_all(menu_rows())
    session.add_all([*exact_documents(), *boreal_documents(today), *other_documents(today)])


def contact_row(contact_id: str, email: str, name: str, language: str) -> ContactRow:
    return ContactRow(contact_id=contact_id, email=email, email_key=email_key(email), name=name, language=language)


def access_rows(contact_id: str, access: Mapping[str, Sequence[str]]) -> list[AccessRow]:
    return [
        AccessRow(
            contact_id=contact_id,
            account_id=account_id,
            position=position,
            orders="orders" in parts,
            invoices="invoices" in parts,
        )
        for position, (account_id, parts) in enumerate(access.items())
    ]
