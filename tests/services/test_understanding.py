"""Parsing of typed text: a code, an address, a number."""

import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.understanding import code_in, email_in, normalize_email, number_in

NBSP = "\u00a0"
TELEGRAM_LIMIT = 4096


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("123456", "123456"),
        ("000000", "000000"),
        ("  123456\n", "123456"),
        ("123 456", "123456"),
        (f"123{NBSP}456", "123456"),
        ("123-456", "123456"),
        ("123–456", "123456"),
        ("123.456", "123456"),
        ("1 2 3 4 5 6", "123456"),
        ("Votre code : 123456.", "123456"),
        ("Votre code :\n\n123456\n\nIl est valable 10 minutes.", "123456"),
        ("code:123456!", "123456"),
        ("１２３４５６", "123456"),
        ("١٢٣٤٥٦", "123456"),
        ("\u2068123456\u2069", "123456"),
        ("123456 ou 654321", "123456"),
        ("", None),
        ("12345", None),
        ("1234567", None),
        ("123 4567", None),
        ("12345 six", None),
        ("bonjour", None),
        ("514 555-1234", None),
        ("2020-09-28", None),
        ("client123456@example.test", None),
        ("1/2/3/4/5/6", None),
    ],
)
def test_code_is_found_in_text(text: str, code: str | None) -> None:
    assert code_in(text) == code


@settings(deadline=None)
@given(
    st.from_regex(r"[0-9]{6}", fullmatch=True),
    st.sampled_from(["", " ", "-", "–", ".", NBSP]),
    st.text("abc :\n!", max_size=20),
)
def test_six_digits_are_a_code_in_any_grouping(code: str, between: str, words: str) -> None:
    """Six digits are a code in any grouping and with any text around them."""
    grouped = code[:3] + between + code[3:]
    assert code_in(grouped) == code
    assert code_in(f"{words} {grouped}\n{words}") == code


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("212380", "212380"),
        ("  212380 ", "212380"),
        ("5", "5"),
        ("nº 212380", "212380"),
        ("Nº212380", "212380"),
        (f"nº{NBSP}212380", "212380"),
        ("n° 212380", "212380"),
        ("no 212380", "212380"),
        ("No. 212380", "212380"),
        ("n. 212380", "212380"),
        ("#212380", "212380"),
        ("# 212380", "212380"),
        ("FA-2024/001", "FA-2024/001"),
        ("INV2024", "INV2024"),
        ("26387-B", "26387-B"),
        ("N12345", "N12345"),
        ("n12345", "n12345"),
        ("N-12", "N-12"),
        ("２１２３８０", "212380"),
        ("٢١٢٣٨٠", "212380"),
        ("\u2068212380\u2069", "212380"),
        ("9" * 60, "9" * 60),
        ("", None),
        ("nº", None),
        ("#", None),
        ("facture", None),
        ("facture 212380", None),
        ("212380 svp", None),
        ("212 380", None),
        ("../212380", None),
        ("212380\n26387", None),
        ("293,08", None),
        ("-", None),
        ("%32", None),
        ("212380|1", None),
    ],
)
def test_number_is_found_in_text(text: str, number: str | None) -> None:
    assert number_in(text) == number


@settings(deadline=None)
@given(
    st.from_regex(r"[0-9]{1,39}", fullmatch=True), st.sampled_from(["", "nº ", "nº", "Nº ", "#", "# ", "no ", "n° "])
)
def test_number_is_read_with_or_without_a_sign_before_it(number: str, sign: str) -> None:
    assert number_in(sign + number) == number


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("nom@exemple.com", "nom@exemple.com"),
        ("  Nom@Exemple.COM\n", "nom@exemple.com"),
        ("client@example.test", "client@example.test"),
        ("prénom.nom+odo@exemple.ca", "prénom.nom+odo@exemple.ca"),
        ("O'Neil@exemple.ca", "o'neil@exemple.ca"),
        ("nom@éxemple.ca", "nom@éxemple.ca"),
        ("nom@xn--xemple-9ua.ca", "nom@éxemple.ca"),
        ("Mon courriel est nom@exemple.com.", "nom@exemple.com"),
        ("nom@exemple.com!", "nom@exemple.com"),
        ("C’est nom@exemple.com, merci", "nom@exemple.com"),
        ("Camille <nom@exemple.com>", "nom@exemple.com"),
        ("«\u00a0nom@exemple.com\u00a0»", "nom@exemple.com"),
        ("(nom@exemple.com)", "nom@exemple.com"),
        ("mailto:nom@exemple.com", "nom@exemple.com"),
        ("\u200fnom@exemple.com\u200e", "nom@exemple.com"),
        ("\u202anom@exemple.com\u202c", "nom@exemple.com"),
        ("", None),
        ("nom", None),
        ("@", None),
        ("nom@", None),
        ("@exemple.com", None),
        ("nom@exemple", None),
        ("nom@exemple..com", None),
        ("nom@.exemple.com", None),
        ("nom@@exemple.com", None),
        ("a@exemple.com b@exemple.com", None),
        ("a@exemple.com,b@exemple.com", None),
        ("nom @ exemple.com", None),
        ('"nom prénom"@exemple.com', None),
        ("nom@[127.0.0.1]", None),
        ("nom@exemple.com\x00", None),
        ("nom\x00@exemple.com", None),
        ("\ud800@exemple.com", None),
        ("nom@exemple.com%0d%0aBcc:", None),
        ("nom@exam_ple.com", None),
        ("nom@" + "x" * 64 + ".com", None),
        ("nom@" + "x." * 130 + "com", None),
    ],
)
def test_address_is_found_in_text(text: str, email: str | None) -> None:
    assert email_in(text) == email


def test_line_break_adds_no_header() -> None:
    for text in ("nom@exemple.com\r\nBcc: b@exemple.com", "nom@exemple.com\nSubject: x"):
        assert "\n" not in (email_in(text) or "")
        assert normalize_email(text) is None


@settings(deadline=None)
@given(st.emails())
def test_address_in_a_sentence_is_found(address: str) -> None:
    assert email_in(f"Bonjour, voici : {address}") == email_in(address)


@settings(deadline=None)
@given(
    st.emails()
    | st.text()
    | st.builds("{}@{}".format, st.text(max_size=10), st.sampled_from(["é.ca", "X.CA", "x.test"]))
)
@example("İ@exemple.com")
@example("ΑΣ@exemple.com")
@example("ﬁ@exemple.com")
def test_normal_form_is_idempotent_and_ignores_case(address: str) -> None:
    normal = normalize_email(address)
    if normal is None:
        return
    assert normalize_email(normal) == normal
    assert normal == normal.lower()
    assert not any(c.isspace() or not c.isprintable() for c in normal)
    assert normal.count("@") == 1


@settings(deadline=None)
@given(st.text(st.characters()))
@example("\ud800")
@example("\ud83c")
@example("²³¹⁰⁴⁵")
@example("①②③④⑤⑥")
@example("𝟙𝟚𝟛𝟜𝟝𝟞")
@example("\ufdfa" * 200)
def test_no_input_raises(text: str) -> None:
    code, number, email = code_in(text), number_in(text), email_in(text)
    assert code is None or (len(code) == 6 and code.isascii() and code.isdigit())
    assert number is None or (
        0 < len(number) <= 110 and number.isprintable() and " " not in number and "|" not in number
    )
    assert email is None or "@" in email


LONG = {
    "digits": "1" * TELEGRAM_LIMIT,
    "spaced digits": "1 " * (TELEGRAM_LIMIT // 2),
    "dashed digits": "1-" * (TELEGRAM_LIMIT // 2),
    "five and five": "12345 12345-" * 341,
    "letters": "a" * TELEGRAM_LIMIT,
    "a sign and spaces": "n" + " " * (TELEGRAM_LIMIT - 2) + "x",
    "signs": "nº" * (TELEGRAM_LIMIT // 2),
    "ats": "@" * TELEGRAM_LIMIT,
    "addresses": "a@b.ca " * 585,
    "one long address": "a@" + "b." * 2046 + "c",
    "a long local part": "é" * 4000 + "@x.ca",
    "a long unicode domain": "a@" + "é" * 4090,
    "many unicode labels": "a@" + "é." * 2040 + "ca",
    "false punycode": "a@" + "xn--" * 1020 + ".ca",
    "thai vowels": "a@" + "\u0e33" * 4000 + ".ca",
    "what NFKC makes longer": "\ufdfa" * TELEGRAM_LIMIT,
    "brackets": "<" * 4000 + "a@b.ca",
    "combining marks": "a" + "\u0301" * 4000 + "@b.ca",
    "unsorted combining marks": "a" + "\u0301\u0323" * 2000 + "@b.ca",
    "invisible marks": "\u200f" * 4000 + "1",
}


@pytest.mark.parametrize("reads", [code_in, number_in, email_in])
@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_longest_message_is_parsed_fast(reads: Callable[[str], str | None], text: str) -> None:
    started = time.process_time()
    reads(text)
    assert time.process_time() - started < 2
