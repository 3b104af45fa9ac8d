"""The vault: encryption, keyed hashes, and the rotation of keys."""

import pytest
from hypothesis import example, given, settings, strategies as st

from storage.vault import Vault

OLD, NEW = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="


@settings(deadline=None)
@given(st.text())
@example("")
@example("שלום 🎉")
def test_seal_and_open(text: str) -> None:
    vault = Vault([NEW])
    sealed = vault.seal(text)
    assert vault.open_or_none(sealed) == text
    assert vault.seal(text) != sealed
    assert len(text) < 4 or text not in sealed


def test_key_rotation() -> None:
    """Every key decrypts; the newest one seals."""
    before, rotated, after = Vault([OLD]), Vault([NEW, OLD]), Vault([NEW])
    assert rotated.open_or_none(before.seal("Camille")) == "Camille"
    assert after.open_or_none(rotated.seal("Camille")) == "Camille"
    assert before.open_or_none(rotated.seal("Camille")) is None


def test_what_no_key_opens_is_none() -> None:
    """Another key's, empty, no token at all, cut short, or damaged by a character that is not ASCII."""
    whole = Vault([NEW]).seal("Camille")
    for sealed in (Vault([OLD]).seal("Camille"), "", "Camille", whole[:-4], "é" + whole[1:], whole[:20] + "\ud800"):
        assert Vault([NEW]).open_or_none(sealed) is None
        assert not Vault([NEW]).opens(sealed)
        assert not Vault([NEW]).is_newest(sealed)


def test_hashes_under_every_key_newest_first() -> None:
    rotated = Vault([NEW, OLD])
    written_before = Vault([OLD]).hash("email", "a@b.test")
    assert rotated.hash("email", "a@b.test") == Vault([NEW]).hash("email", "a@b.test")
    assert rotated.hashes("email", "a@b.test") == [rotated.hash("email", "a@b.test"), written_before]
    assert rotated.matches("email", "a@b.test", written_before)
    assert not Vault([NEW]).matches("email", "a@b.test", written_before)


@settings(deadline=None)
@given(st.text(st.characters()), st.text(st.characters()))
@example("\ud800", "\ud801")
@example("", "\x00")
def test_hashes_are_equal_for_equal_texts_only(one: str, other: str) -> None:
    vault = Vault([NEW])
    assert (vault.hash("email", one) == vault.hash("email", other)) is (one == other)
    assert vault.matches("code", one, vault.hash("code", other)) is (one == other)
    assert len(vault.hash("email", one)) == 64


def test_hash_depends_on_purpose_and_key() -> None:
    vault = Vault([NEW])
    assert vault.hash("email", "123456") != vault.hash("code", "123456")
    assert vault.hash("a", "bc") != vault.hash("ab", "c")
    assert vault.hash("email", "x") != Vault([OLD]).hash("email", "x")
    assert not vault.matches("email", "x", "")


@pytest.mark.parametrize("keys", [[], [""], ["x"], [NEW[:-2]], [NEW, "x"]], ids=str)
def test_invalid_keys_are_refused(keys: list[str]) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        Vault(keys)
    assert NEW not in str(raised.value)


def test_repr_hides_the_keys() -> None:
    assert NEW not in repr(Vault([NEW])) + str(Vault([NEW]))
