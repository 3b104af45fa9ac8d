"""Text made comparable."""

from hypothesis import given
from hypothesis import strategies as st

from sandbox.portal.folding import email_key, fold, search_words


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert all(word in fold(text) for word in search_words(text))


@given(st.text())
def test_an_address_keeps_every_letter_beyond_ascii(text: str) -> None:
    assert [c for c in email_key(text) if not c.isascii()] == [c for c in text.strip() if not c.isascii()]
