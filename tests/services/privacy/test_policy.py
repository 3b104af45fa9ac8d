"""The policy's text: from the settings, in whole sentences, dated."""

import datetime
import hashlib
import re
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po
from msgspec.structs import fields, replace

from services.company import Company
from services.privacy import periods
from services.privacy.policy import TEXT_DATE, Policy, PolicyFacts, in_language, policy_url
from services.retention import Category
from tests.texts.test_catalogues import ROOT
from texts.catalogue import base_of, texts_in
from texts.language import Language

COMPANY = Company("Acme", "", ZoneInfo("America/Toronto"), Language.FR)
FULL = PolicyFacts(
    address="100, rue X, Montréal",
    contact="Directrice, d@acme.test | Director, d@acme.test",
    hosting="OVHcloud, Beauharnois",
    mail_host="Acme Mail",
    regulator="Commission d’accès à l’information",
    backup_days=33,
)
SENTENCES = "8356945b4c392bd3"
"""The hash of the sentences of ``TEXT_DATE``."""


def text_of(facts: PolicyFacts, language: Language, company: Company = COMPANY, *, saves: bool = True) -> str:
    sections = Policy(company, facts, saves_answers=saves).sections(texts_in(language))
    return "\n".join(each for section in sections for each in section.paragraphs)


@pytest.mark.parametrize("language", Language)
def test_every_fact_of_the_settings_is_in_the_policy(language: Language) -> None:
    text = text_of(FULL, language)
    for field in fields(FULL):
        value = str(getattr(FULL, field.name) or "")
        assert in_language(value, language) in text, field.name


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", [field.name for field in fields(PolicyFacts) if field.name != "changed_on"])
def test_an_absent_fact_leaves_whole_sentences(name: str, language: Language) -> None:
    (field,) = [field for field in fields(PolicyFacts) if field.name == name]
    absent = replace(FULL, **{name: field.default})
    lines = text_of(absent, language).split("\n")
    assert [line for line in lines if not re.fullmatch(r"[A-ZÀ-Ý/].*(\.|https://\S+)", line)] == []
    assert "{" not in "".join(lines)
    assert str(getattr(FULL, name)).split(" | ", maxsplit=1)[0] not in "\n".join(lines)


@pytest.mark.parametrize("language", Language)
def test_no_fact_of_one_operator_is_in_the_code(language: Language) -> None:
    assert not re.search(r"Odotrack|Québec|Quebec|Canada|Commission", text_of(PolicyFacts(), language))


@pytest.mark.parametrize("language", Language)
def test_relay_and_saved_answers_are_told_where_they_are_on(language: Language) -> None:
    with_staff = replace(COMPANY, staff_chat=-1001)
    assert len(text_of(FULL, language, with_staff)) > len(text_of(FULL, language)) + 100
    assert text_of(FULL, language, saves=False) != text_of(FULL, language)


def test_every_category_has_its_sentence() -> None:
    assert set(periods._SENTENCES) == set(Category)


def test_version_is_the_later_date() -> None:
    later = TEXT_DATE + datetime.timedelta(days=1)
    dates = {None: TEXT_DATE, datetime.date(2020, 1, 1): TEXT_DATE, later: later}
    for changed_on, version in dates.items():
        assert Policy(COMPANY, replace(FULL, changed_on=changed_on), saves_answers=True).version == version


def test_url_of_the_page() -> None:
    assert policy_url("https://bot.acme.test") == "https://bot.acme.test/privacy"
    assert policy_url("") == ""


def test_two_languages_in_one_setting() -> None:
    assert [in_language("à | b", each) for each in (Language.FR, Language.EN)] == ["à", "b"]
    assert {in_language("both", each) for each in Language} == {"both"}


def test_changed_sentences_get_a_new_date() -> None:
    """If a sentence changed in meaning, set ``TEXT_DATE`` to today: people are told. In any case update the hash."""
    sentences = []
    for language in Language:
        with (ROOT / "texts" / language.locale / "odobot.po").open("rb") as po:
            found = [(str(m.id), str(m.string)) for m in read_po(po) if m.id and "policy." in str(m.id)]
        found = [(key, text) for key, text in found if base_of(key) == key]  # without the variants for features
        sentences += sorted(found)
    assert hashlib.sha256(repr(sentences).encode()).hexdigest()[:16] == SENTENCES
