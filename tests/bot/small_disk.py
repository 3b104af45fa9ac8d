"""A small file system of its own, on which a test fills the disk or makes it read-only. It needs root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A mounted file system of 4 MiB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Write until no byte is left."""
        descriptor = os.open(self._filler, os.O_CREAT | os.O_WRONLY)
        try:
            while True:
                os.write(descriptor, bytes(4096))
        except OSError:
            return
        finally:
            os.close(descriptor)

    def free(self) -> None:
        """End ``fill``."""
        self._filler.unlink()

    def make_read_only(self) -> None:
        """Remount it read-only; no file may be open for writing."""
        assert _run("mount", "-o", "remount,ro", self.folder), "a file is open"


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount a tmpfs on the folder until the block ends. Skips the test where that is not allowed."""
    folder.mkdir()
    if os.geteuid() != 0 or not _run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder):
        pytest.skip("mounting a file system needs root")
    try:
        yield SmallDisk(folder)
    finally:
        _run("umount", "--lazy", folder)


@contextmanager
def aborted_disk(folder: Path) -> Iterator[Path]:
    """Mount an ext4 file system on a loop device; ``abort`` remounts it as after an error of the disk."""
    image = folder.with_suffix(".img")
    folder.mkdir()
    image.write_bytes(bytes(16 * 1024 * 1024))
    if (
        os.geteuid() != 0
        or not _run("mkfs.ext4", "-q", "-F", image)
        or not _run("mount", "-o", "loop,errors=remount-ro", image, folder)
    ):
        pytest.skip("mounting a loop device needs root")
    try:
        yield folder
    finally:
        _run("umount", "--lazy", folder)


def abort(folder: Path) -> bool:
    """Abort the journal of an ext4 file system, as the kernel does after an error of the disk."""
    return _run("mount", "-o", "remount,abort", folder)


def _run(*command: str | Path) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
