"""Normalized text."""

from hypothesis import given, strategies as st

from sandbox.portal.data.folding import email_key, fold, search_words


@given(st.text())
def test_folding_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert all(word in fold(text) for word in search_words(text))


@given(st.text())
def test_email_keys_keep_non_ascii_characters(text: str) -> None:
    assert [c for c in email_key(text) if not c.isascii()] == [c for c in text.strip() if not c.isascii()]
