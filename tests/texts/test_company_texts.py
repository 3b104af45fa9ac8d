"""The company's own catalogues: what each file may have, and what the bot then says."""

import datetime
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from texts.catalogue import all_texts, base_of, bilingual_texts, key_of, shipped_catalogue, texts_in, use_texts
from texts.company import CompanyTexts, TextsError, read_company_texts
from texts.language import Language

SPANISH_FORMS = '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"'


def read(folder: Path, company: str = "Acme", /, **files: str) -> CompanyTexts:
    for name, content in files.items():
        (folder / f"{name}.po").write_text(f'msgid ""\nmsgstr ""\n\n{content}\n', "utf-8")
    return read_company_texts(folder, company)


def used(folder: Path, default: str = "fr", /, **files: str) -> None:
    use_texts(read(folder, **files).catalogues, default)


def problem(folder: Path, content: str, company: str = "Acme") -> str:
    with pytest.raises(TextsError) as raised:
        read(folder, company, fr_CA=content)
    (line,) = str(raised.value).split("\n")
    return line


def a_whole_language(locale: str, text: str = "es {}") -> str:
    """Return a catalogue that has every message: the English one behind a mark, so that each is told apart."""
    catalogue = Catalog(locale=locale)
    for message in shipped_catalogue(Language.EN):
        if not message.id:
            continue
        forms = [message.string] if isinstance(message.string, str) else list(message.string)
        said = [text.format(form) for form in forms]
        catalogue.add(message.id, said if message.pluralizable else said[0])
    catalogue.delete("language.name")
    catalogue.add("language.name", "Español")
    return po_of(catalogue)


def po_of(catalogue: Catalog) -> str:
    written = BytesIO()
    write_po(written, catalogue, width=0, omit_header=True)
    return written.getvalue().decode()


def test_an_override_replaces_one_message(tmp_path: Path) -> None:
    used(tmp_path, fr_CA='msgid "home.what"\nmsgstr "Bonjour! Que voulez-vous voir?"')
    french = texts_in(Language.FR)
    assert french("home.what") == "Bonjour! Que voulez-vous voir?"
    assert french("button.home") == "Accueil"
    assert texts_in(Language.EN)("home.what").startswith("What")


def test_an_override_has_values_and_plurals(tmp_path: Path) -> None:
    content = """
msgid "welcome.title"
msgstr "Chez {company}"

msgid "link.code_validity"
msgid_plural "link.code_validity"
msgstr[0] "Une minute"
msgstr[1] "{n} minutes en tout"
"""
    used(tmp_path, fr_CA=content)
    french = texts_in(Language.FR)
    assert french("welcome.title", company="Acme") == "Chez Acme"
    assert [french.plural("link.code_validity", n) for n in (0, 1, 10)] == [
        "Une minute", "Une minute", "10 minutes en tout",
    ]  # fmt: skip


def test_a_message_without_text_stays_as_shipped(tmp_path: Path) -> None:
    before = texts_in(Language.FR)("home.what")
    used(tmp_path, fr_CA='msgid "home.what"\nmsgstr ""')
    assert texts_in(Language.FR)("home.what") == before


def test_the_shipped_texts_are_back_without_a_folder(tmp_path: Path) -> None:
    before = texts_in(Language.FR)("home.what")
    used(tmp_path, fr_CA='msgid "home.what"\nmsgstr "Autre"')
    use_texts({}, "fr")
    assert texts_in(Language.FR)("home.what") == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('msgid "home.waht"\nmsgstr "x"', "fr_CA.po: home.waht: no message has this id"),
        ('msgid "home.what"\nmsgstr "{company}"', "fr_CA.po: home.what: it has no value {company}"),
        ('msgid "home.what"\nmsgstr "x {n}"', "fr_CA.po: home.what: it has no value {n}"),
        ('msgid "welcome.title"\nmsgstr "Bonjour"', "fr_CA.po: welcome.title: it lacks {company}"),
        ('msgid "home.what"\nmsgstr "<b>Bonjour</b>"', "<b> is shown as it is written"),
        ('msgid "home.what"\nmsgstr "A&nbsp;B"', "&nbsp; is shown as it is written"),
        ('msgid "home.what"\nmsgstr "a\\nb"', "it has a line break"),
        ('msgid "home.what"\nmsgstr "a { b"', "a brace is not closed"),
        ('msgid "welcome.title"\nmsgstr "{company.name}"', "not a plain {name}"),
        ('msgid "welcome.title"\nmsgstr "{company!r}"', "not a plain {name}"),
        ('msgid "welcome.title"\nmsgstr "{company:>9}"', "not a plain {name}"),
        ('msgid "welcome.title"\nmsgstr "{}"', "not a plain {name}"),
        ('msgid "list.unread"\nmsgstr "x /portail"', "it needs msgid_plural"),
        ('msgid "home.what"\nmsgid_plural "home.what"\nmsgstr[0] "a"\nmsgstr[1] "b"', "it has one form only"),
        ('msgid "list.unread"\nmsgid_plural "list.unread"\nmsgstr[0] "{n} a"', "it has 1 plural forms, and this"),
        (f'msgid "bot.short_description"\nmsgstr "{{company}} {"x" * 115}"', "it has 120 characters"),
        (f'msgid "command.orders"\nmsgstr "{"x" * 257}"', "a command’s description 256 at most"),
        (f'msgid "home.what"\nmsgstr "{"x" * 2001}"', "it has 2001 characters"),
        ('msgctxt "x"\nmsgid "home.what"\nmsgstr "y"', "it has a msgctxt"),
        ('#, fuzzy\nmsgid "home.what"\nmsgstr "x"', "marked as fuzzy"),
    ],
)
def test_a_message_that_cannot_be_used(tmp_path: Path, content: str, said: str) -> None:
    """One line names the file, the message and the problem."""
    if "bot.short" in content:
        content = content.replace("x" * 115, "x" * 116)
        said = "it has 121 characters"
    line = problem(tmp_path, content)
    assert said in line
    assert line.startswith("fr_CA.po: ")


def test_the_companys_name_counts_for_a_length(tmp_path: Path) -> None:
    content = f'msgid "bot.short_description"\nmsgstr "{{company}} {"x" * 100}"'
    assert read(tmp_path, "Acme", fr_CA=content).catalogues
    assert "it has 151 characters" in problem(tmp_path, content, "A" * 50)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("francais", "", "francais.po: expected a language of two letters"),
        ("fr_FR", "", "fr_FR.po: this language is in fr_CA.po"),
        ("en", "", "en.po: this language is in en_CA.po"),
        ("zz_ZZ", "", "zz_ZZ.po: CLDR has no such"),
        ("fr_CA", 'msgid "home.what\nmsgstr', "fr_CA.po: line 4 is not"),
        ("fr_CA", 'msgid "home.what"\nmsgstr "x"\n\nmsgid "home.what"\nmsgstr "y"', "fr_CA.po: home.what: it is in"),
        ("es_MX", 'msgid "a"\nmsgstr "b"', "es_MX.po: a: no message has this id"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, name: str, content: str, said: str) -> None:
    with pytest.raises(TextsError) as raised:
        read(tmp_path, **{name: content})
    assert str(raised.value).startswith(said)


def test_a_rule_of_plurals_that_is_none(tmp_path: Path) -> None:
    header = 'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n ! 1;\\n"\n'
    (tmp_path / "es_MX.po").write_text(header, "utf-8")
    with pytest.raises(TextsError, match=r"^es_MX\.po: "):
        read_company_texts(tmp_path, "Acme")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "fr_CA.po").write_bytes(b'msgid "home.what"\nmsgstr "\xff\xfe"\n')
    with pytest.raises(TextsError, match=r"^fr_CA\.po: it cannot be read \(UnicodeDecodeError\)$"):
        read_company_texts(tmp_path, "Acme")


def test_two_files_of_one_language(tmp_path: Path) -> None:
    with pytest.raises(TextsError, match=r"^es_MX\.po: this language is in es_ES\.po$"):
        read(tmp_path, es_ES="", es_MX="")


def test_a_folder_that_is_missing_or_empty(tmp_path: Path) -> None:
    with pytest.raises(TextsError, match="there is no folder"):
        read_company_texts(tmp_path / "none", "Acme")
    (tmp_path / "README.md").write_text("not a catalogue")
    with pytest.raises(TextsError, match="has no catalogue such as"):
        read_company_texts(tmp_path, "Acme")


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(TextsError) as raised:
        read(tmp_path, fr_CA='msgid "a"\nmsgstr "x"\n\nmsgid "b"\nmsgstr "y"', en_CA='msgid "c"\nmsgstr "z"')
    assert len(str(raised.value).split("\n")) == 3


def test_a_whole_language_is_added(tmp_path: Path) -> None:
    own = read(tmp_path, es_MX=a_whole_language("es_MX"))
    assert own.missing == {"es_MX": ()}
    use_texts(own.catalogues, "fr")
    assert [language.value for language in Language.offered()] == ["fr", "en", "es"]
    spanish = texts_in(Language("es"))
    assert spanish("button.home") == "es Home"
    assert spanish.plural("link.code_validity", 1) == "es The code is valid for 1 minute."
    assert spanish.formats.month_name(datetime.date(2026, 3, 1)) == "marzo"
    assert [t("language.name") for t in all_texts()] == ["Français", "English", "Español"]


def test_what_an_added_language_lacks_is_named(tmp_path: Path) -> None:
    own = read(tmp_path, es_MX='msgid "button.home"\nmsgstr "Inicio"')
    every = [key_of(message) for message in shipped_catalogue(Language.FR) if message.id]
    needed = [key for key in every if key == base_of(key) and key != "button.home"]
    assert own.missing == {"es_MX": tuple(needed)}


@pytest.mark.parametrize(("default", "shown"), [("fr", "Factures"), ("en", "Invoices"), ("es", "Factures")])
def test_what_is_lacking_is_shown_in_a_shipped_language(tmp_path: Path, default: str, shown: str) -> None:
    used(tmp_path, default, es_MX='msgid "button.home"\nmsgstr "Inicio"')
    spanish = texts_in(Language("es"))
    assert spanish("button.home") == "Inicio"
    assert spanish("button.invoices") == shown
    plural = spanish.plural("button.order_invoices", 0)  # none is singular in French, by the rule of that catalogue
    assert plural == ("Invoices (0)" if default == "en" else "Facture (0)")


def test_an_added_language_comes_and_goes(tmp_path: Path) -> None:
    used(tmp_path, "en", es_MX='msgid "button.home"\nmsgstr "Inicio"')
    spanish = Language("es")
    assert Language.of_client("es-419", Language.FR) is spanish
    assert Language.stored("es") is spanish
    assert (spanish.locale, spanish.shipped, spanish.other) == ("es_MX", Language.EN, Language.EN)
    assert [t.language for t in bilingual_texts(spanish)] == [spanish, Language.EN]
    use_texts({}, "en")
    assert Language.of_client("es", Language.FR) is Language.FR
    assert Language.stored("es") is Language.EN
    with pytest.raises(ValueError, match="es"):
        Language("es")


def test_the_example_can_be_used() -> None:
    folder = Path(__file__).parents[2] / "deploy" / "texts-example"
    own = read_company_texts(folder, "Odotrack")
    assert own.catalogues.keys() >= {"fr_CA", "en_CA"}
    assert all(missing == () for missing in own.missing.values())


def test_shipped_catalogues_pass_as_the_companys(tmp_path: Path) -> None:
    """The check has no rule that a shipped message breaks, in either language."""
    for language in Language:
        with (tmp_path / f"{language.locale}.po").open("wb") as po:
            write_po(po, shipped_catalogue(language))
        with (tmp_path / f"{language.locale}.po").open("rb") as po:
            assert read_po(po, locale=language.locale)
    assert read_company_texts(tmp_path, "Acme").missing == {}
