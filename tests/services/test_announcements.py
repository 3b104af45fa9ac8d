import pytest

from services.announcements import AnnouncementError, AnnouncementText, as_json, from_json, read_announcement

LANGUAGES = ("fr", "en")
FILE = """\
# fr: Fermé le 24 juin

Nos bureaux sont fermés
pour la Fête nationale.

- Urgences\u00a0: 418 555-0100
- Courriel

[Nos heures](https://portail.exemple.ca/heures)

# en: Closed on June 24

Our offices are closed & quiet.
"""


def test_each_language_gets_its_part() -> None:
    texts = read_announcement(FILE, LANGUAGES)
    assert texts == {
        "fr": AnnouncementText(
            "Fermé le 24 juin",
            ("Nos bureaux sont fermés pour la Fête nationale.", "• Urgences\u00a0: 418 555-0100\n• Courriel"),
            (("Nos heures", "https://portail.exemple.ca/heures"),),
        ),
        "en": AnnouncementText("Closed on June 24", ("Our offices are closed & quiet.",)),
    }
    assert from_json(as_json(texts)) == texts


def en(body: str, title: str = "A") -> str:
    return f"# fr: Titre\n\nTexte\n\n# en: {title}\n\n{body}\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "there is no part for en, fr"),
        ("Bonjour\n", "line 1: a part begins with a heading"),
        ("# fr: A\n\nb\n", "there is no part for en"),
        ("## fr: A\n\nb\n", "line 1: a heading has one #"),
        ("# Titre\n\nb\n", "line 1: a heading has one #"),
        (en("b") + "\n# es: C\n\nd\n", "line 9: the bot has no language es"),
        (en("b") + "\n# fr: C\n\nd\n", "line 9: there are two parts for fr"),
        (en("du **gras**"), "line 7: bold, code, images and links inside"),
        (en("voir [ici](https://a.example) ou"), "line 7: bold, code, images and links inside"),
        (en("![x](https://a.example/x.png)"), "line 7: bold, code, images"),
        (en("<b>x</b>"), "line 7: bold, code, images"),
        (en("1. un"), "line 7: only paragraphs, lists with '-' and links"),
        (en("> cité"), "line 7: only paragraphs"),
        (en("- a\n  - b"), "line 8: only paragraphs"),
        (en("---"), "line 7: only paragraphs"),
        (en("[ici](http://a.example)"), "needs an address that begins with https://"),
        (en("[ici](javascript:alert)"), "needs an address that begins with https://"),
        (en("[" + "x" * 61 + "](https://a.example)"), "1 to 60 characters"),
        (en("\n\n".join(["[ici](https://a.example)"] * 6) + "\n\nb"), "6 links as buttons, at most 5"),
        (en("[ici](https://a.example)"), "has no text below its title"),
        (en("x" * 3001), "has 3002 characters, at most 3000"),
        (en("x", title="y" * 201), "has 201 characters, at most 200"),
    ],
)
def test_what_cannot_be_sent_is_named_by_its_line(source: str, message: str) -> None:
    with pytest.raises(AnnouncementError) as caught:
        read_announcement(source, LANGUAGES)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
