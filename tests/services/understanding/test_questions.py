"""Questions in words: what noise, negations, dates, amounts and arbitrary texts do to their readings."""

import datetime
import subprocess
import sys
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings, strategies as st

from portal.models import Part
from services.understanding.normalising import folded
from services.understanding.questions.catalogue import catalogue
from services.understanding.questions.questions import Intent, Question, State
from services.understanding.questions.reading import LONGEST, read_question
from texts.catalogue import texts_in
from texts.language import Language

TODAY = datetime.date(2026, 10, 14)
PARTS = {Language.FR: ("facture", "factures"), Language.EN: ("invoice", "invoices")}
DAYS = st.dates(datetime.date(2001, 1, 1), TODAY)
AMOUNTS = st.decimals("0.01", "99999.99", places=2)


def readings(text: str, language: Language = Language.FR) -> tuple[Question, ...]:
    return read_question(text, TODAY, language)


def intents(text: str) -> set[str]:
    return {question.intent for language in Language for question in readings(text, language)}


KNOWN = [
    (Language.FR, "montre les factures impayées de janvier 2026"),
    (Language.FR, "quelles commandes sont annulées"),
    (Language.FR, "facture INV-2026-18"),
    (Language.FR, "relevé de compte depuis septembre"),
    (Language.FR, "quel est le solde de mon compte"),
    (Language.FR, "je veux parler à quelqu'un"),
    (Language.FR, "arrêtez les notifications"),
    (Language.FR, "déconnecter mon compte"),
    (Language.FR, "télécharger le pdf de ma dernière facture"),
    (Language.FR, "mes contrats terminés"),
    (Language.EN, "show the unpaid invoices from january 2026"),
    (Language.EN, "which orders were cancelled"),
    (Language.EN, "invoice INV-2026-18"),
    (Language.EN, "account statement since september"),
    (Language.EN, "what is my balance"),
    (Language.EN, "i want to talk to someone"),
    (Language.EN, "disable the notifications"),
    (Language.EN, "disconnect my account"),
    (Language.EN, "download the pdf of my latest invoice"),
    (Language.EN, "expired contracts"),
]
BEFORE = ["", "Bonjour, ", "svp ", "Salut! ", "Hi, ", "hello ", "please ", "👋 ", "Bon matin, ", "Good morning, "]
AFTER = [
    "",
    " svp",
    " s'il vous plaît",
    " merci!",
    "???",
    " please",
    " thanks 🙏",
    " 😅",
    "...",
    " s.v.p.",
    " thank you",
]
CASES: list[Any] = [str, str.upper, str.capitalize]
ACCENTS = str.maketrans("éèêàâîôûç", "eeeaaiouc")


@given(
    known=st.sampled_from(KNOWN),
    before=st.sampled_from(BEFORE),
    after=st.sampled_from(AFTER),
    case=st.sampled_from(CASES),
    has_accents=st.booleans(),
)
def test_noise_keeps_the_reading(
    known: tuple[Language, str], before: str, after: str, case: Any, *, has_accents: bool
) -> None:
    language, phrase = known
    noisy = before + case(phrase if has_accents else phrase.translate(ACCENTS)) + after
    assert readings(noisy, language) == readings(phrase, language) != ()


@st.composite
def typing_errors(draw: st.DrawFn) -> tuple[Language, str, str]:
    """A known phrase, and the same with one typing error inside a word of 7 letters or more."""
    language, phrase = draw(st.sampled_from(KNOWN))
    words = phrase.split()
    at = draw(st.sampled_from([at for at, word in enumerate(words) if len(word) >= 7 and word.isalpha()] or [-1]))
    if at < 0:
        return language, phrase, phrase
    word = words[at]
    position = draw(st.integers(1, len(word) - 3))
    error = draw(st.sampled_from(["drop", "double", "swap"]))
    changed = {
        "drop": word[:position] + word[position + 1 :],
        "double": word[:position] + word[position] + word[position:],
        "swap": word[:position] + word[position + 1] + word[position] + word[position + 2 :],
    }[error]
    assume(folded(changed) not in catalogue().known)  # "contrast" is a word, and no typing error
    return language, phrase, " ".join([*words[:at], changed, *words[at + 1 :]])


@given(typing_errors())
def test_typing_error_keeps_the_reading(case: tuple[Language, str, str]) -> None:
    language, phrase, typed = case
    assert readings(typed, language) == readings(phrase, language)


@given(day=DAYS, language=st.sampled_from(Language))
def test_day_as_the_bot_shows_it_is_read(day: datetime.date, language: Language) -> None:
    formats = texts_in(language).formats
    for shown in (formats.long_date(day), formats.short_date(day)):
        assert readings(f"{PARTS[language][0]} {shown}", language) == (
            Question(Intent.OPEN, Part.INVOICES, start=day, end=day),
        )


@given(first=DAYS, last=DAYS, language=st.sampled_from(Language))
def test_range_as_the_bot_shows_it_is_read(first: datetime.date, last: datetime.date, language: Language) -> None:
    first, last = min(first, last), max(first, last)
    formats = texts_in(language).formats
    joint = {Language.FR: "du {} au {}", Language.EN: "from {} to {}"}[language]
    text = f"{PARTS[language][1]} {joint.format(formats.long_date(first), formats.long_date(last))}"
    assert readings(text, language) == (Question(Intent.LIST, Part.INVOICES, start=first, end=last),)


@given(amount=AMOUNTS, language=st.sampled_from(Language), currency=st.sampled_from(["CAD", "USD", "EUR"]))
def test_amount_as_the_bot_shows_it_is_read(amount: Decimal, language: Language, currency: str) -> None:
    shown = texts_in(language).formats.money(amount, currency)
    assert readings(f"{PARTS[language][0]} {shown}", language) == (Question(Intent.OPEN, Part.INVOICES, amount=amount),)


@given(number=st.from_regex(r"(INV|SO|ACC-SINV)-20[12][0-9]-[0-9]{2,5}|[1-9][0-9]{5}", fullmatch=True))
def test_number_is_read_as_typed(number: str) -> None:
    assert readings(number) == (Question(Intent.OPEN, number=number),)
    assert readings(f"pdf {number.lower()} svp") == (Question(Intent.PDF, number=number),)


@given(st.text(max_size=LONGEST + 20))
@settings(max_examples=300)
def test_any_text_is_read_without_failure(text: str) -> None:
    for language in Language:
        found = readings(text, language)
        assert len(found) <= 2
        assert len(text) <= LONGEST or not found


WORDS = st.sampled_from(
    """facture invoices de la the from since depuis entre and to au mars may 12 2025 1er T3 Q2 450 40,19 $ # n° dernier
    3 mois months pdf relevé not pas ne stop rappels unlink en anglais 03/04/2026 99999999999 00 '25 - , . premier of
    last """.split()  # noqa: SIM905
)


@given(st.lists(WORDS, max_size=40).map(" ".join))
@settings(max_examples=500)
def test_any_mix_of_words_is_read_without_failure(text: str) -> None:
    assert all(len(readings(text, language)) <= 3 for language in Language)


@pytest.mark.parametrize(
    "text",
    [
        "ne m'envoie pas la facture 212380", "n'ouvre pas la facture 212380", "je ne veux pas le pdf",
        "ne délie pas mon compte", "délie pas mon compte", "je ne veux pas me déconnecter", "n'arrête pas les rappels",
        "arrête pas de m'envoyer des rappels", "gardez mon compte connecté",
        "ne change pas la langue en anglais", "je ne veux pas parler à un agent", "pas besoin d'aide",
        "je ne souhaite pas arrêter les rappels", "i don't want to stop the reminders", "ne jamais délier",
        "associer mon compte", "reconnecter mon compte", "relier mon compte",
        "don't unlink", "don't unlink my account", "please do not disconnect my account", "don't stop the reminders",
        "never stop sending me reminders", "keep sending me reminders", "do not send me the pdf of 212380",
        "i don't want to be disconnected", "don't switch to french", "i don't need an agent", "don't log me out",
        "connect my account", "associate my account", "don't turn on the reminders",
        "ne ferme pas mon compte", "n'annule pas mon compte", "don't close my account", "n'effacez pas mes données",
    ],
)  # fmt: skip
def test_negation_never_acts_as_its_opposite(text: str) -> None:
    assert intents(text) == set()
    assert intents(text.upper()) == set()


@pytest.mark.parametrize(
    "text",
    [
        "je veux des rappels", "je veux recevoir les avis", "i want notifications", "send me reminders",
        "envoyez-moi des rappels", "i would like to get alerts", "activer les notifications", "enable notifications",
        "subscribe me to the notices", "continue de m'envoyer les rappels",
        "rappelle-moi de payer", "turn on reminders",
    ],
)  # fmt: skip
def test_wish_for_notices_does_not_stop_them(text: str) -> None:
    assert intents(text) == {Intent.NOTICES}
    assert intents(text.upper()) == {Intent.NOTICES}


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("L'unité 12 transmet pus depuis hier", Intent.PERSON), ("unit 12 is offline since yesterday", Intent.PERSON),
        ("device 4512 not reporting", Intent.PERSON), ("où est mon camion 204", Intent.PERSON),
        ("la facture 212380 ne marche pas", Intent.OPEN), ("can i pay invoice 212380 by card", Intent.OPEN),
        ("send invoice 212380 to my bookkeeper", Intent.OPEN), ("que savez-vous faire", Intent.HELP),
    ],
)  # fmt: skip
def test_number_of_device_is_no_invoice(text: str, intent: Intent) -> None:
    assert intents(text) == {intent}


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("factures pas payées", State.UNPAID), ("invoices i haven't paid", State.UNPAID),
        ("factures payées", State.PAID), ("contrats plus actifs", State.ENDED),
        ("contracts no longer active", State.ENDED),
    ],
)  # fmt: skip
def test_denied_state_is_the_other_one(text: str, state: State) -> None:
    assert [question.state for question in readings(text)] == [state]


def test_numeric_date_of_english_text_asks_in_any_chat() -> None:
    """A French text is read day first; an English one has two readings, also in a French chat."""
    days = [datetime.date(2026, 3, 4), datetime.date(2026, 4, 3)]
    assert [question.start for question in readings("show the invoice from 03/04/2026")] == days
    assert [question.start for question in readings("montre la facture du 03/04/2026", Language.EN)] == days[1:]


@pytest.mark.parametrize("today", [datetime.date(2024, 2, 29), datetime.date(2026, 1, 1), datetime.date(2026, 12, 31)])
def test_last_months_end_today(today: datetime.date) -> None:
    (question,) = read_question("invoices of the last 12 months", today, Language.EN)
    assert question.start
    assert (question.start.year, question.start.month, question.end) == (today.year - 1, today.month, today)


def test_no_personal_fact_is_in_a_repr() -> None:
    for text in ("facture 212380", "facture de 1 293,08 $"):
        assert "212380" not in repr(readings(text))
        assert "1293" not in repr(readings(text))


def test_worst_texts_take_bounded_time() -> None:
    """A text of Telegram's limit is none at once; 300 characters took 12 ms at most on 2 cores."""
    worst = ["de " * 1366, "a" * 4096, "1 " * 2048, "depuis " * 585, "-" * 4096, "1," * 2048, "stop envoyer " * 315]
    for text in worst:
        assert readings(text) == ()
        start = time.process_time()
        readings(text[:LONGEST])
        assert time.process_time() - start < 0.5


def test_start_of_the_bot_does_not_load_the_grammar() -> None:
    code = "import sys, bot.app, handlers.routes; print('rapidfuzz' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout.strip() == "False"
