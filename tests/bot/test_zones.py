"""Time zones: the pinned data win over the machine's, and know the laws of British Columbia and Alberta of 2026."""

import datetime
import importlib.resources
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.environment.zones import newer_version, use_pinned_zones, used_version

NOVEMBER = datetime.datetime(2026, 11, 26, 9, 0)  # noqa: DTZ001


@pytest.fixture(autouse=True)
def folders() -> Iterator[None]:
    """Leave the folders of this process as they were."""
    before = zoneinfo.TZPATH
    yield
    zoneinfo.reset_tzpath(to=before)
    ZoneInfo.clear_cache()


@pytest.fixture
def old_zones(tmp_path: Path) -> Path:
    """A machine with data of 2025 in which Vancouver has the hours of Honolulu."""
    (tmp_path / "America").mkdir()
    honolulu = importlib.resources.files("tzdata").joinpath("zoneinfo", "Pacific", "Honolulu")
    (tmp_path / "America" / "Vancouver").write_bytes(honolulu.read_bytes())
    (tmp_path / "tzdata.zi").write_text("# version 2025b\n# This zic input file is in the public domain.\n")
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    ZoneInfo.clear_cache()
    return tmp_path


@pytest.mark.parametrize(
    ("zone", "hours"), [("Vancouver", -7), ("Edmonton", -6), ("Regina", -6), ("Toronto", -5), ("Whitehorse", -7)]
)
def test_zones_follow_the_law_in_november_2026(zone: str, hours: int) -> None:
    """British Columbia and Alberta no longer set their clocks back."""
    use_pinned_zones()
    assert NOVEMBER.replace(tzinfo=ZoneInfo(f"America/{zone}")).utcoffset() == datetime.timedelta(hours=hours)


def test_pinned_data_win_over_older_ones(old_zones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONTZPATH", raising=False)
    assert used_version() == "2025b"
    assert newer_version() >= "2026f"
    assert NOVEMBER.replace(tzinfo=ZoneInfo("America/Vancouver")).utcoffset() == datetime.timedelta(hours=-10)
    use_pinned_zones()
    assert used_version() >= "2026f"
    assert NOVEMBER.replace(tzinfo=ZoneInfo("America/Vancouver")).utcoffset() == datetime.timedelta(hours=-7)


def test_chosen_folders_are_kept(old_zones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONTZPATH", str(old_zones))
    use_pinned_zones()
    assert used_version() == "2025b"
