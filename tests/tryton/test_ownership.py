"""Ownership on Tryton, where the bot's key could read every customer's documents."""

import shutil
from pathlib import Path

import pytest

from tests.portal.conformance.ownership import Two, hold
from tests.scene import Scene
from tests.tryton.server import Tryton

TWO = Two(
    tries="zed@example.test",
    owns="client@example.test",
    numbers=("212380", "240200", "240311", "26387", "31800", "240300", "31700"),
    secrets=("Transport Tremblay", "293,08", "190,18", "131,26", "81,26", "Cable OBD2", "Appareil ODO50"),
    in_documents=("Transport Tremblay", "212380", "240200", "240311"),
)


@pytest.mark.timeout(180)
def test_no_data_of_another_customer_is_returned(tryton: Tryton, tmp_path: Path, empty_database: Path) -> None:
    shutil.copy(empty_database, tmp_path / "odobot.db")
    portal = {"portal_url": tryton.url, "portal_token": tryton.key}
    hold(TWO, lambda: Scene(f"sqlite+aiosqlite:///{tmp_path}/odobot.db", **portal), examples=30)
