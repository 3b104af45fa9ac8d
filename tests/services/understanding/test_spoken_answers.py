"""Property tests of answers as people speak and scatter them: dictated addresses, small talk, numbers with a noun."""

import pytest
from hypothesis import given, settings, strategies as st

from handlers.commands import BY_WORD
from services.understanding.addresses import email_in, spoken_email_in
from services.understanding.numbers import number_in, spellings
from services.understanding.resolving import (
    AboutBot,
    AddressTyped,
    AnotherAddress,
    AnotherCode,
    BadAddress,
    Greeting,
    NoCode,
    understand,
)
from storage.tables import Awaited

LOCAL = st.from_regex(r"[b-z][a-z0-9]{1,8}", fullmatch=True)
DOMAIN = st.from_regex(r"[b-z][a-z]{2,8}", fullmatch=True)
ATS = ("@", " @ ", " @", "@ ", " arobase ", " at ", " (at) ", "[at]", "\n@")
DOTS = (".", " point ", " dot ", " (dot) ")
SMALL_TALK = ("merci", "Thanks!", "ok", "parfait", "👍", "oui svp", "bonne journée", "great", "d’accord", "désolé")


@settings(deadline=None)
@given(LOCAL, DOMAIN, st.sampled_from(("ca", "com", "test")), st.sampled_from(ATS), st.sampled_from(DOTS))
def test_spelled_address_is_read_where_it_is_awaited(local: str, domain: str, top: str, at: str, dot: str) -> None:
    text = f"{local}{at}{domain}{dot}{top}"
    for awaited in (Awaited.EMAIL, Awaited.COPY_EMAIL):
        assert understand(text, awaited, BY_WORD, is_linked=True) == AddressTyped(f"{local}@{domain}.{top}"), text


@settings(deadline=None)
@given(LOCAL, LOCAL, DOMAIN)
def test_several_addresses_are_not_guessed_between(one: str, other: str, domain: str) -> None:
    text = f"{one}@{domain}.ca, {other}@{domain}.com"
    assert spoken_email_in(text) is None
    assert email_in(text) is None
    assert understand(text, Awaited.EMAIL, BY_WORD, is_linked=False) == BadAddress(2)


@settings(deadline=None)
@given(st.lists(st.sampled_from(SMALL_TALK), min_size=1, max_size=3), st.sampled_from((" ", ", ", "! ")))
def test_small_talk_asks_for_nothing(words: list[str], between: str) -> None:
    text = between.join(words)
    for is_linked in (True, False):
        assert isinstance(understand(text, None, BY_WORD, is_linked=is_linked), Greeting | AboutBot), text
    assert understand(text, Awaited.CODE, BY_WORD, is_linked=False) == NoCode()


@settings(deadline=None)
@given(st.integers(100_000, 999_999), st.sampled_from(("facture {}", "{} facture svp", "invoice #{}", "commande {}")))
def test_number_with_its_noun_costs_a_stranger_no_attempt(number: int, around: str) -> None:
    assert understand(around.format(number), Awaited.CODE, BY_WORD, is_linked=False) == NoCode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("renvoyer", AnotherCode()), ("Renvoyez-moi le code svp", AnotherCode()), ("un nouveau code", AnotherCode()),
        ("resend", AnotherCode()), ("send it again please", AnotherCode()), ("mauvaise adresse", AnotherAddress()),
        ("another email address", AnotherAddress()), ("changer d’adresse", AnotherAddress()), ("j’attends", NoCode()),
    ],
)  # fmt: skip
def test_request_for_another_code_or_address(text: str, expected: object) -> None:
    assert understand(text, Awaited.CODE, BY_WORD, is_linked=False) == expected


@settings(deadline=None)
@given(st.integers(10_000, 999_999), st.sampled_from(("Facture-{}.pdf", "Invoice-{}.PDF", "invoice_{}.pdf", "{}.pdf")))
def test_number_in_a_file_name_is_found(number: int, name: str) -> None:
    found = number_in(name.format(number))
    assert found is not None
    assert str(number) in spellings(found.text)


@pytest.mark.parametrize(
    "name", ["Note-de-credit-NC-2026-7.pdf", "note_de_crédit_NC-2026-7.pdf", "Credit-note-NC-2026-7.PDF"]
)
def test_number_in_the_file_name_of_a_credit_note(name: str) -> None:
    found = number_in(name)
    assert found is not None
    assert found.text == "NC-2026-7"
