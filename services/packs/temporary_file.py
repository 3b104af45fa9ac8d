"""Temporary files of packs, without a name: the system removes them also when the process is killed."""

import tempfile
from typing import BinaryIO, cast


def temporary_file() -> BinaryIO:
    """Open a new file for writing and reading in the folder that ``TMPDIR`` names, ``/tmp`` by default.

    On Linux it never has a name (``O_TMPFILE``), and its mode is 0600: no other user can open it, and nothing is left
    to remove after ``kill -9``.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    return cast("BinaryIO", tempfile.TemporaryFile(prefix="odobot-pack-"))


def size_of(file: BinaryIO) -> int:
    """Return the size in bytes, up to the present position."""
    return file.tell()
