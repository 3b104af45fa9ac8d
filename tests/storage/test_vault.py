"""The vault: what is sealed stays unreadable, opens under an older key, and is found by its hash."""

import pytest
from cryptography.fernet import InvalidToken
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storage.vault import Vault

OLD, NEW = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="


@settings(deadline=None)
@given(st.text())
@example("")
@example("שלום 🎉")
def test_what_is_sealed_is_unreadable_and_opens_as_it_was(text: str) -> None:
    vault = Vault([NEW])
    sealed = vault.seal(text)
    assert vault.open(sealed) == text
    assert vault.seal(text) != sealed
    assert len(text) < 4 or text not in sealed


def test_key_rotation() -> None:
    """Every key decrypts; the newest one seals."""
    before, rotated, after = Vault([OLD]), Vault([NEW, OLD]), Vault([NEW])
    assert rotated.open(before.seal("Camille")) == "Camille"
    assert after.open(rotated.seal("Camille")) == "Camille"
    with pytest.raises(InvalidToken):
        before.open(rotated.seal("Camille"))


def test_what_no_key_sealed_fails_loudly() -> None:
    for sealed in (Vault([OLD]).seal("Camille"), "", "Camille", Vault([NEW]).seal("Camille")[:-4]):
        with pytest.raises(InvalidToken) as raised:
            Vault([NEW]).open(sealed)
        assert "Camille" not in str(raised.value)


def test_a_look_up_tries_every_key_the_newest_first() -> None:
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
def test_equal_texts_hash_equally_and_no_others(one: str, other: str) -> None:
    vault = Vault([NEW])
    assert (vault.hash("email", one) == vault.hash("email", other)) is (one == other)
    assert vault.matches("code", one, vault.hash("code", other)) is (one == other)
    assert len(vault.hash("email", one)) == 64


def test_purposes_do_not_mix_and_nothing_is_hashed_without_a_key() -> None:
    vault = Vault([NEW])
    assert vault.hash("email", "123456") != vault.hash("code", "123456")
    assert vault.hash("a", "bc") != vault.hash("ab", "c")
    assert vault.hash("email", "x") != Vault([OLD]).hash("email", "x")
    assert not vault.matches("email", "x", "")


@pytest.mark.parametrize("keys", [[], [""], ["x"], [NEW[:-2]], [NEW, "x"]], ids=str)
def test_a_vault_without_good_keys_is_not_made(keys: list[str]) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        Vault(keys)
    assert NEW not in str(raised.value)


def test_keys_show_nowhere() -> None:
    assert NEW not in repr(Vault([NEW])) + str(Vault([NEW]))
