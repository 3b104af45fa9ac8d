"""Ownership on the sandbox portal; the same property is held on Tryton in tests/tryton."""

import pytest

from tests.portal.conformance.ownership import Two, hold
from tests.scene import Scene

TWO = Two(
    tries="anna@example.test",
    owns="flotte@example.test",
    numbers=("240130", "240129", "240204", "31450", "32010", "250118", "41010"),
    secrets=("Transport Boréal", "1\u00a0293,08", "793,08", "401,26", "Caméra de bord", "ODO60 avec capteur"),
    in_documents=("Transport Boréal", "240130", "240129", "240204"),
)


@pytest.mark.timeout(120)
def test_no_data_of_another_customer_is_returned(database_url: str) -> None:
    hold(TWO, lambda: Scene(database_url), examples=40)
