"""Parsing of typed text: a code, an address, a number."""

import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings, strategies as st

from services.understanding.addresses import email_in, normalize_email
from services.understanding.codes import codes_in
from services.understanding.numbers import number_in, spellings
from services.understanding.words import leaves


def code_in(text: str) -> str:
    """Return the only code of six digits; empty for none or several."""
    return codes_in(text).short


def first_spelling(text: str) -> str | None:
    """Return the number that is looked up first; None if the text cannot be one."""
    found = number_in(text)
    return spellings(found.text)[0] if found and spellings(found.text) else None


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
        ("15.10.26 123456", "123456"),
        ("15.10.26 : 123 456", "123456"),
        ("123,456", "123456"),
        ("123\n456", "123456"),
        ("123\r\n456", "123456"),
        ("12 34 56", "123456"),
        ("123\u2011456", "123456"),
        ("123\u202f456", "123456"),
        ("1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣", "123456"),
        ("12\u200b3456", "123456"),
        ("code=123456", "123456"),
        ("« 123456 »", "123456"),
        ("Le 15 octobre à 14:30, code 123456, merci!", "123456"),
        ("514 555-1234, 123456", "123456"),
        ("commande 212380, code 123456", "123456"),
        ("123456 123456", "123456"),
        ("123456 ou 654321", ""),
        ("15.10.26", None),
        ("15-10-26", None),
        ("10/15/26", None),
        ("le 15 10 26", None),
        ("123,45", None),
        ("1234,56", None),
        ("123 456 $", None),
        ("123456 $", None),
        ("$123,456", None),
        ("123 456 CAD", None),
        ("123.456,00", None),
        ("12:34:56", None),
        ("12 h 34", None),
        ("418-555-1234", None),
        ("+1 418 555 1234", None),
        ("01 23 45 67 89", None),
        ("INV-123456", None),
        ("https://portail.test/123456", None),
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
    assert code_in(text) == (code or "")


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
        ("facture 212380 svp", "212380"),
        ("invoice #212380 please", "212380"),
        ("je voudrais la 212380 merci", "212380"),
        ("Bonjour, j’aimerais voir ma facture nº 212380 s’il vous plaît", "212380"),
        ("could you show me order 26387 please?", "26387"),
        ("212 380", "212380"),
        ("« 212380 »", "212380"),
        ("(212380)", "212380"),
        ("212380.", "212380"),
        ("212380!?", "212380"),
        ("facture:212380", "212380"),
        ("inv-2026-7", "inv-2026-7"),
        ("INV\u20112026\u20137", "INV-2026-7"),
        ("ACC-SINV-2026-00012", "ACC-SINV-2026-00012"),
        ("TOKYO-A7XK9-1", "TOKYO-A7XK9-1"),
        ("QWERT", "QWERT"),
        ("facture QWERT svp", "QWERT"),
        ("2026/08/0001", "2026/08/0001"),
        ("F 2026 0042", "F 2026 0042"),
        ("https://portail.test/factures/212380", "212380"),
        ("293,08", "293,08"),
        ("%32", "%32"),
        ("facture", None),
        ("merci", None),
        ("-", None),
        ("Bonjour, où est ma facture?", None),
        ("quelqu'un peut me dire pourquoi rien ne fonctionne depuis ce matin", None),
        ("client123@example.test", None),
        ("avant le 31 mars 2026, je voudrais toutes les factures impayées", None),
        ("net 30 ou net 45", None),
        ("what do I need to pay before Dec 1", None),
        ("pas de message avant 8 h ni après 17 h svp", None),
        ("plus que 90 jours", None),
        ("mon camion 22 est brisé depuis lundi", None),
        ("commande 8 svp je voudrais voir les détails", "8"),
        ("pouvez-vous me sortir la facture 240 128 au plus vite svp", "240128"),
    ],
)
def test_number_is_found_in_text(text: str, number: str | None) -> None:
    assert first_spelling(text) == number


@settings(deadline=None)
@given(
    st.from_regex(r"[0-9]{1,39}", fullmatch=True), st.sampled_from(["", "nº ", "nº", "Nº ", "#", "# ", "no ", "n° "])
)
def test_number_is_read_with_or_without_a_sign_before_it(number: str, sign: str) -> None:
    assert first_spelling(sign + number) == number


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
        ("Mailto:nom@exemple.com", "nom@exemple.com"),
        ("MAILTO:nom%40exemple.com?subject=x", "nom@exemple.com"),
        ("a@b.ca<mailto:a@b.ca>", "a@b.ca"),
        ("[a@b.ca](mailto:a@b.ca)", "a@b.ca"),
        ('"Ana" <ana@b.ca>', "ana@b.ca"),
        ("“Ana” <ana@b.ca>;", "ana@b.ca"),
        ("o’neil@exemple.ca", "o'neil@exemple.ca"),
        ("ana\u2011marie@exemple.ca", "ana-marie@exemple.ca"),
        ("nom@exem\u200bple.com", "nom@exemple.com"),
        (f"{NBSP}nom@exemple.com{NBSP}", "nom@exemple.com"),
        ("nom＠exemple.com", "nom@exemple.com"),
        ("nom@exemple.com.", "nom@exemple.com"),
        ("a..b@docomo.example", "a..b@docomo.example"),
        ("a.@docomo.ne.jp", "a.@docomo.ne.jp"),
        ("ana@usine.local", "ana@usine.local"),
        ("ana@serveur.lan", "ana@serveur.lan"),
        ('"a..b"@docomo.example', '"a..b"@docomo.example'),
        ('"nom prénom"@exemple.com', '"nom prénom"@exemple.com'),
        ("nom@exemple..com", None),
        ("nom@.exemple.com", None),
        ("nom@@exemple.com", None),
        ("a@exemple.com b@exemple.com", None),
        ("a@exemple.com,b@exemple.com", None),
        ("nom @ exemple.com", None),
        ("nom@[127.0.0.1]", None),
        ("nom@exemple.com\x00", None),
        ("nom\x00@exemple.com", None),
        ("\ud800@exemple.com", None),
        ("nom@exemple.com%0d%0aBcc:", None),
        ("nom@Exam_ple.com", "nom@exam_ple.com"),
        ("nom@é_x.com", None),
        ("nom@exemple_", None),
        ("nom@" + "x" * 64 + ".com", None),
        ("nom@" + "x." * 130 + "com", None),
    ],
)
def test_address_is_found_in_text(text: str, email: str | None) -> None:
    assert email_in(text) == email


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("ana@usine", "ana@usine"),
        ("Ana@Usine.", "ana@usine"),
        ("(ana@us_ine)", "ana@us_ine"),
        ("ana@localhost", "ana@localhost"),
        ("Ana <ana@usine>", "ana@usine"),
        ("mailto:ana@usine", "ana@usine"),
        ("mon courriel est ana@usine", "ana@usine"),
        ("my address: ana@usine", "ana@usine"),
        ("on se voit a@bc demain", None),
        ("see ana@work", None),
        ("@usine", None),
        ("merci @ana", None),
        ("ana @usine", None),
        ("ana@gmail", None),
        ("ana@Hotmail", None),
        ("ana@b", None),
        ("10@12h", None),
        ("5@7", None),
        ("ana@-usine", None),
        ("ana@usine:25", None),
        ("ana@usine, merci", None),
        ("ana@usine paul@usine", None),
        ("ana@usine@autre", None),
        ("x@" + "a" * 64, None),
    ],
)
def test_domain_of_one_label(text: str, email: str | None) -> None:
    """It is an address where the text is nothing else, or says so; never where no address is expected."""
    assert email_in(text, may_be_local=True) == email
    assert email_in(text) is None


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
    assert not code or (len(code) == 6 and code.isascii() and code.isdigit())
    assert number is None or 0 < len(number.text) <= 100
    assert all(0 < len(each) <= 100 and "\n" not in each for each in spellings(number.text if number else ""))
    assert email is None or "@" in email
    leaves(text)


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


@pytest.mark.parametrize("reads", [code_in, number_in, email_in, leaves])
@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_longest_message_is_parsed_fast(reads: Callable[[str], object], text: str) -> None:
    started = time.process_time()
    reads(text)
    assert time.process_time() - started < 2
