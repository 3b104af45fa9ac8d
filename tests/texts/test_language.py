"""Which language a chat is spoken to in, before it chose one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from texts.catalogue import both, texts_in
from texts.language import Language


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("fr", Language.FR),
        ("fr-CA", Language.FR),
        ("FR_ca", Language.FR),
        ("en", Language.EN),
        ("en-GB", Language.EN),
        ("EN", Language.EN),
    ],
)
@pytest.mark.parametrize("default", Language)
def test_a_client_that_speaks_one_of_ours_gets_it(code: str, expected: Language, default: Language) -> None:
    assert Language.of_client(code, default) is expected


@pytest.mark.parametrize("code", [None, "", "-", "de", "es-FR", "fra", "english", "f", "x-fr", "ＦＲ"])
@pytest.mark.parametrize("default", Language)
def test_any_other_gets_the_default(code: str | None, default: Language) -> None:
    assert Language.of_client(code, default) is default


@settings(deadline=None)
@given(st.text(), st.sampled_from(Language))
def test_no_language_code_stops_the_bot(code: str, default: Language) -> None:
    assert Language.of_client(code, default) in Language


def test_locales_are_those_whose_money_and_dates_quebec_reads() -> None:
    assert [language.locale for language in Language] == ["fr_CA", "en_CA"]


@pytest.mark.parametrize("language", Language)
def test_a_bilingual_text_has_the_readers_language_first(language: Language) -> None:
    assert [t.language for t in both(language)] == [language, language.other]
    assert language.other.other is language


def test_words_are_read_once() -> None:
    assert texts_in(Language.FR) is texts_in(Language.FR)
