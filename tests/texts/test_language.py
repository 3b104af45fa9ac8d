"""The language of a chat before it chose one."""

import pytest
from hypothesis import given, settings, strategies as st

from texts.catalogue import bilingual_texts, texts_in
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
def test_supported_client_language_is_used(code: str, expected: Language, default: Language) -> None:
    assert Language.of_client(code, default) is expected


@pytest.mark.parametrize("code", [None, "", "-", "de", "es-FR", "fra", "english", "f", "x-fr", "ＦＲ"])
@pytest.mark.parametrize("default", Language)
def test_unsupported_client_language_gets_the_default(code: str | None, default: Language) -> None:
    assert Language.of_client(code, default) is default


@settings(deadline=None)
@given(st.text(), st.sampled_from(Language))
def test_any_language_code_is_accepted(code: str, default: Language) -> None:
    assert Language.of_client(code, default) in Language


def test_locales_are_canadian() -> None:
    """Money and dates are written as in Quebec."""
    assert [language.locale for language in Language] == ["fr_CA", "en_CA"]


@pytest.mark.parametrize("language", Language)
def test_a_bilingual_text_has_the_readers_language_first(language: Language) -> None:
    assert [t.language for t in bilingual_texts(language)] == [language, language.other]
    assert language.other.other is language


def test_catalogues_are_read_once() -> None:
    assert texts_in(Language.FR) is texts_in(Language.FR)
