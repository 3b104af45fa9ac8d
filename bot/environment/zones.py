"""Time zones: the data of the installed ``tzdata`` package replace the machine's, which may be older than a law."""

import os
import zoneinfo
from pathlib import Path

import tzdata  # type: ignore[import-untyped]

_FOLDERS = "PYTHONTZPATH"
"""An operator who sets it, has chosen the data: https://docs.python.org/3/library/zoneinfo.html#envvar-PYTHONTZPATH"""


def use_pinned_zones() -> None:
    """Read time zones from the ``tzdata`` package, unless the operator names folders in ``PYTHONTZPATH``."""
    if os.environ.get(_FOLDERS):
        return
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()


def used_version() -> str:
    """Return the IANA version of the data in use, such as ``2026f``; empty if the operator's folders do not say it."""
    return _version_in(zoneinfo.TZPATH) if zoneinfo.TZPATH else str(tzdata.IANA_VERSION)


def newer_version() -> str:
    """Return the IANA version of the data that are newer than those in use: the machine's or the package's, or empty.

    A version is a year and a letter, so that the order of the texts is that of the versions.
    """
    known = max(
        tzdata.IANA_VERSION, _version_in(("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo"))
    )
    used = used_version()
    return known if used and known > used else ""


def _version_in(folders: tuple[str, ...]) -> str:
    for folder in map(Path, folders):
        try:
            first, _, _ = (folder / "tzdata.zi").read_text(encoding="ascii", errors="replace").partition("\n")
        except OSError:
            continue
        return first.rpartition(" ")[2] if first.startswith("# version ") else ""
    return ""
