"""Every sentence of both catalogues keeps the rules of its language that a program can check."""

import datetime
import re

import pytest

from handlers.commands import BY_NAME
from sandbox.web.rendering import fault_words, words
from services.linking.code_limits import DAY
from services.linking.invitations import LIFETIME
from storage.support import IDLE_AFTER
from tests.texts.test_catalogues import forms, messages, values
from tests.texts.typesetting import typeset_faults, word_faults
from texts.language import Language

both_languages = pytest.mark.parametrize("language", Language)

_NAMES_THE_OFFICE = "names the Commission d’accès à l’information"
_NAMES_A_LIST = "the list has more lines than one, always"
EXCEPTIONS = {
    (Language.EN, "privacy.rights"): _NAMES_THE_OFFICE,
    (Language.FR, "privacy.kept"): "is made anew from the retention table",
}
"""Messages that may keep a word that no other may have, and why."""
ALWAYS_SEVERAL = {
    "list.incomplete": _NAMES_A_LIST,
    **dict.fromkeys(("notices.when_due", "notices.when_ending"), "the days of the plan are a constant"),
}
"""Messages with a counted noun and one form, and why."""
FACTS = frozenset(
    re.findall(
        r"\w+",
        """
        account address amount balance before billed chat command company consent contact count date day days
        description done email end first host hosting hours kind language last limit line minutes month n name
        notice number numbers page pages paid part percent period quantity query reference regulator second since start
        support time total tried until url wishes year zone
        """,
    )
)
"""Values that are names, numbers, dates, or what a button is called: they need no grammar."""
WORDS = {
    "home.new": {"what"},
    "home.changed": {"what"},
    "pack.missing_list": {"missing"},
    "staff.refused": {"reason"},
}
"""Values that are words of a catalogue or of Telegram: each stands alone, before or after a mark."""
QUOTED_ELSEWHERE = {
    "S’abonner", "Ajouter à partir d’une URL", "Démarrer", "Subscribe", "Add from URL", "Start"
}  # fmt: skip
"""Buttons of Telegram and of calendar programs."""


@both_languages
def test_typesetting(language: Language) -> None:
    """No-break spaces, quotation marks, apostrophes and hours are those of the language."""
    faults = {
        (key, fault): form
        for key, message in messages(language).items()
        for form in forms(message)
        for fault in typeset_faults(language, form)
    }
    assert faults == {}


@both_languages
def test_words(language: Language) -> None:
    """One word for one thing, as in the glossary; no anglicism, and nothing of the other language."""
    faults = {
        (key, fault): form
        for key, message in messages(language).items()
        for form in forms(message)
        for fault in word_faults(language, form)
        if (language, key) not in EXCEPTIONS
    }
    assert faults == {}


def test_exceptions_are_needed() -> None:
    for language, key in EXCEPTIONS:
        message = messages(language).get(key)
        assert message is None or any(word_faults(language, form) for form in forms(message)), key


@both_languages
def test_values_are_facts_and_no_words(language: Language) -> None:
    """No sentence is built from fragments: the words of a sentence stand in the catalogue."""
    for key, message in messages(language).items():
        for form in forms(message):
            assert values(form) - FACTS <= WORDS.get(key, set()), key


@both_languages
def test_counted_nouns_have_plural_forms(language: Language) -> None:
    counted = re.compile(r"\{(?:n|count|before|first|last)\}[ \u00a0][^\W\d_]{3,}")
    for key, message in messages(language).items():
        if not message.pluralizable:
            lone = [form for form in forms(message) if counted.search(form)]
            assert not lone or key in ALWAYS_SEVERAL, (key, lone)
            continue
        one, several = forms(message)
        assert "{n}" in several, key
        noun = re.search(r"\{n\}[ \u00a0](\w+)", several)
        is_invariable = noun and noun[1] in ("PDF", "avis", "more", "of")
        assert one != several or is_invariable, key


def test_both_languages_end_sentences_alike() -> None:
    """A sentence is one in both languages: both have a full stop, a colon, a question mark, or none."""
    french, english = messages(Language.FR), messages(Language.EN)

    def ends(form: str) -> str:
        return form[-1] if form[-1] in ".:?!…" else ""

    different = {
        key: pair
        for key in french
        for pair in zip(forms(french[key]), forms(english[key]), strict=True)
        if ends(pair[0]) != ends(pair[1])
    }
    assert different == {}


@both_languages
def test_commands_in_texts_have_the_languages_names(language: Language) -> None:
    for key, message in messages(language).items():
        for form in forms(message):
            for name in re.findall(r"(?<![\w/:.<])/([a-z]+)\b", form):
                assert name in BY_NAME, key
                assert BY_NAME[name].names[language] == name, key


@both_languages
def test_quoted_buttons_exist(language: Language) -> None:
    """A sentence that says what to tap uses the label of a button."""
    found = messages(language)
    labels = {form for key, message in found.items() if key.startswith("button.") for form in forms(message)}
    tapped = re.compile(r"(?:[Tt]ouche[zr]|choisissez|[Tt]ap|choose|d’avoir touché|;) [«“]\u00a0?([^»”]+?)\u00a0?[»”]")
    named = {name: key for key, message in found.items() for form in forms(message) for name in tapped.findall(form)}
    assert len(named) > 5
    assert {name: key for name, key in named.items() if name not in labels | QUOTED_ELSEWHERE} == {}


@pytest.mark.parametrize(
    ("key", "lasts", "french", "english"),
    [
        ("invitation.gone", datetime.timedelta(minutes=15) == LIFETIME, "15 minutes", "15 minutes"),
        ("person.ended_idle", datetime.timedelta(days=7) == IDLE_AFTER, "sept jours", "seven days"),
        ("staff.ended_idle", datetime.timedelta(days=7) == IDLE_AFTER, "sept jours", "seven days"),
        ("letter.unusual.once_a_day", datetime.timedelta(days=1) == DAY, "une fois par jour", "once a day"),
    ],
)
def test_promised_durations_are_those_of_the_code(key: str, lasts: bool, french: str, english: str) -> None:
    """A duration that a sentence writes out is the one that the code keeps."""
    assert lasts
    assert french in forms(messages(Language.FR)[key])[0]
    assert english in forms(messages(Language.EN)[key])[0]


def test_the_sandbox_is_typeset_too() -> None:
    faults = {
        (key, fault)
        for key, pair in words._WORDS.items()
        for language, text in zip(Language, pair, strict=True)
        for fault in typeset_faults(language, text)
    }
    assert faults == set()
    assert fault_words.__doc__


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (Language.FR, "Facture: payée"),
        (Language.FR, "Que faire ?"),
        (Language.FR, "Touchez \"Aide\""),
        (Language.FR, "l'équipe"),
        (Language.FR, "à 20 h 00"),
        (Language.FR, "à 20\u00a0h\u00a000"),
        (Language.FR, "la facture nº 7"),
        (Language.EN, "Invoice no. 7"),
        (Language.EN, "two  spaces"),
        (Language.EN, "Paid : yes"),
    ],
)  # fmt: skip
def test_a_typing_fault_is_found(language: Language, text: str) -> None:
    assert typeset_faults(language, text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (Language.FR, "Ouvrez le chat"),
        (Language.FR, "Plus de rappel pour celle-ci"),
        (Language.FR, "Your orders"),
        (Language.FR, "Confirmez votre courriel"),
        (Language.EN, "Stop the mails"),
        (Language.EN, "a {company} account"),
        (Language.EN, "vos commandes"),
    ],
)
def test_a_wrong_word_is_found(language: Language, text: str) -> None:
    assert word_faults(language, text)
