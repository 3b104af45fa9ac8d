"""Archives of PDFs, one part after another: a part ends before it is too large for Telegram."""

import contextlib
import tempfile
import zipfile
from typing import BinaryIO, Protocol, cast

PART_BYTES = 49_000_000
"""The most bytes of a part: bots may upload 50 MB (https://core.telegram.org/bots/api#sending-files)."""
_ENTRY_BYTES = 1_000
"""What an entry takes besides its content, with its name twice."""


class Unusable(Exception):
    """A PDF cannot be taken into this kind of file; the file is as it was before."""


class Part(Protocol):
    """A file that takes one PDF after another."""

    count: int
    """The PDFs in it."""

    def has_room(self, size: int) -> bool:
        """Return whether a PDF of ``size`` bytes fits. An empty part has room for every PDF up to ``PART_BYTES``."""

    def add(self, name: str, content: bytes) -> None:
        """Append a PDF; ``name`` is its file name. Raises ``Unusable``, or ``OSError``."""

    def finish(self) -> BinaryIO:
        """Write the end. Returns: the file, at its begin. Raises ``OSError``."""

    def close(self) -> None:
        """Close the file, which removes it."""


class ZipPart:
    """A part that is a zip. PDFs are compressed already, so they are stored as they are."""

    def __init__(self, file: BinaryIO) -> None:
        self.count = 0
        self._file = file
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=False)
        self._names: set[str] = set()

    def has_room(self, size: int) -> bool:
        """See ``Part``."""
        return not self.count or self._file.tell() + (self.count + 1) * _ENTRY_BYTES + size <= PART_BYTES

    def add(self, name: str, content: bytes) -> None:
        """See ``Part``. Two numbers may give the same file name: the later one gets a counter."""
        entry = zipfile.ZipInfo(self._unused(name), (2000, 1, 1, 0, 0, 0))
        entry.external_attr = 0o644 << 16  # else some programs unpack files that nobody may read
        self._zip.writestr(entry, content)
        self.count += 1

    def finish(self) -> BinaryIO:
        """See ``Part``."""
        self._zip.close()
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """See ``Part``. The archive is ended first: it would write its end into the closed file later."""
        with contextlib.suppress(OSError):
            self._zip.close()
        self._file.close()

    def _unused(self, name: str) -> str:
        stem, _, ending = name.rpartition(".")
        chosen, number = name, 1
        while chosen.casefold() in self._names:  # Windows takes both cases for the same name
            number += 1
            chosen = f"{stem} ({number}).{ending}"
        self._names.add(chosen.casefold())
        return chosen


def temporary_file() -> BinaryIO:
    """Open a new file for writing and reading in the folder that ``TMPDIR`` names, ``/tmp`` by default.

    On Linux it never has a name (``O_TMPFILE``), and its mode is 0600: no other user can open it, and nothing is left
    to remove after ``kill -9``.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    return cast("BinaryIO", tempfile.TemporaryFile(prefix="odobot-pack-"))
