"""Both catalogues have every message that the code uses, and no other."""

import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from services.features import Feature
from texts.catalogue import base_of, texts_in
from texts.language import Language

ROOT = Path(__file__).parents[2]
ROOMS = ("bot", "handlers", "services")
KEYWORDS: dict[str, tuple[int, ...] | None] = {"t": None, "plural": (1,), "message_id": None}


def said() -> set[str]:
    """Return the id of every message that the code uses."""
    found = set()
    for room in ROOMS:
        for _, _, message, _, _ in extract_from_dir(ROOT / room, keywords=KEYWORDS):
            found.add(message if isinstance(message, str) else message[0])
    return found


def catalogue(language: Language) -> Catalog:
    with (ROOT / "texts" / language.locale / "odobot.po").open("rb") as po:
        return read_po(po, locale=language.locale, abort_invalid=True)


def messages(language: Language) -> dict[str, Message]:
    found = catalogue(language)
    return {m.id if isinstance(m.id, str) else m.id[0]: m for m in found if m.id}


def forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def values(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("language", Language)
def test_catalogues_have_no_missing_or_unused_message(language: Language) -> None:
    """No message is missing, unused, fuzzy or obsolete."""
    known = messages(language)
    assert said() - set(known) == set()
    assert {base_of(key) for key in known} - said() == set()
    assert [m.id for m in known.values() if m.fuzzy or not all(forms(m))] == []
    assert list(catalogue(language).obsolete) == []


def test_both_languages_have_the_same_values_and_plurals() -> None:
    french, english = messages(Language.FR), messages(Language.EN)
    for key in french:
        assert french[key].pluralizable == english[key].pluralizable, key
        # A singular may omit its number.
        shown = [values(form) - {"n"} for form in (*forms(french[key]), *forms(english[key]))]
        assert all(names == shown[0] for names in shown), key


def test_variants_have_the_values_of_their_messages() -> None:
    """What replaces a message where a feature is off takes the same values, and names a feature."""
    french = messages(Language.FR)
    variants = {key: base_of(key) for key in french if base_of(key) != key}
    assert variants
    for key, base in variants.items():
        assert key.removeprefix(f"{base}.without_") in set(Feature), key
        assert french[key].pluralizable == french[base].pluralizable, key
        assert set().union(*map(values, forms(french[key]))) == set().union(*map(values, forms(french[base]))), key


def test_messages_contain_no_markup() -> None:
    for language in Language:
        for key, message in messages(language).items():
            assert not any("<" in form or "&" in form for form in forms(message)), key


def test_full_stop_is_not_doubled() -> None:
    assert texts_in(Language.EN)("trouble.tried_at", time="2:24:43 a.m.") == "Tried at 2:24:43 a.m."
    assert texts_in(Language.FR)("trouble.tried_at", time="14 h 30 min 05 s").endswith("s.")


def test_french_elides_de_before_a_vowel() -> None:
    letter = texts_in(Language.FR)
    assert "d’Acme" in letter("letter.copy.told", number="7", company="Acme", account="x")
    assert "d’Énergie" in letter("letter.copy.told", number="7", company="Énergie", account="x")
    assert "de Boréal" in letter("letter.copy.told", number="7", company="Boréal", account="x")
    assert "de Hydro" in letter("letter.copy.told", number="7", company="Hydro", account="x")
