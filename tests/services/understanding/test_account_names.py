"""Which of several accounts a text names."""

import pytest
from hypothesis import given, settings, strategies as st

from services.understanding.account_names import accounts_in, asks_nothing_else

NAMES = ["Transport Boréal inc.", "North Shore Couriers Ltd", "Groupe Laflamme – Québec", "Groupe Laflamme – Lévis"]
COMPANY = "Odotrack"


@pytest.mark.parametrize(
    ("text", "accounts", "rest"),
    [
        ("statement for North Shore Couriers 2026", (1,), "statement 2026"),
        ("le relevé de TRANSPORT BOREAL INC. pour 2026", (0,), "le relevé pour 2026"),
        ("show me Boreal’s overdue", (0,), "show me overdue"),
        ("what does laflamme owe", (2, 3), "what does owe"),
        ("factures de Laflamme Lévis", (3,), "factures"),
        ("Boréal et North Shore : solde", (0, 1), "et : solde"),
        ("tout sauf Laflamme", (0, 1), "tout"),
        ("all except Boreal, North Shore and Laflamme Lévis", (2,), "all , and"),
        ("ne délie pas Boréal", (0,), "ne délie pas"),
        ("not Boreal, North Shore", (1,), ","),
        ("northshore 2026", (1,), "2026"),
        ("le solde de Laflame", (2, 3), "le solde"),
    ],
)
def test_name_is_found_and_taken_out(text: str, accounts: tuple[int, ...], rest: str) -> None:
    named = accounts_in(text, NAMES, COMPANY)
    assert named is not None
    assert (named.accounts, named.rest) == (accounts, rest)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("un groupe de factures", NAMES),
        ("écrivez à joe@boreal.test ou https://boreal.test/laflamme", NAMES),
        ("le relevé d'Odotrack", ["Odotrack Ventes", "Odotrack Location"]),
        ("frais de transport", ["Transport Boréal", "Transport Gagnon"]),
        ("le solde de mars", ["Mars inc.", "Solde Plus"]),
        ("inc ltd ltée", NAMES),
    ],
)
def test_other_words_are_no_names(text: str, names: list[str]) -> None:
    assert accounts_in(text, names, COMPANY) is None


def test_whole_name_wins_over_a_part_of_another() -> None:
    names = ["Atelier des Séries", "Atelier des Séries, succursale"]
    found = [accounts_in(text, names, COMPANY) for text in ("atelier des séries", "l'atelier", "la succursale")]
    assert [each and each.accounts for each in found] == [(0,), (0, 1), (1,)]


@pytest.mark.parametrize(
    ("rest", "is_choice"),
    [("passons à", True), ("what about?", True), ("", True), ("unlink", False), ("2026", False)],
)
def test_rest_may_ask_for_nothing_else(rest: str, *, is_choice: bool) -> None:
    assert asks_nothing_else(rest) is is_choice


@settings(max_examples=200)
@given(st.text(), st.lists(st.text(), max_size=4))
def test_any_text_and_names_are_read(text: str, names: list[str]) -> None:
    named = accounts_in(text, names, COMPANY)
    assert named is None or (named.accounts and set(named.accounts) <= set(range(len(names))))
