"""The demo's clock: moved from the page, and followed by the bot in its own process through a small file."""

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.telegram.clock import SandboxClock

_SECONDS = struct.Struct("<d")
FILE_VARIABLE = "SANDBOX_CLOCK_FILE"
"""The variable that names the file to the bot's process."""


class OffsetFile:
    """A file with a number of seconds, shared by two processes; a read costs less than a microsecond."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_SECONDS.pack(0.0))
        with path.open("r+b") as file:
            self._bytes = mmap.mmap(file.fileno(), _SECONDS.size)

    def read(self) -> float:
        """Return the seconds."""
        return float(_SECONDS.unpack_from(self._bytes)[0])

    def write(self, seconds: float) -> None:
        """Set the seconds."""
        _SECONDS.pack_into(self._bytes, 0, seconds)


class SharedClock(SandboxClock):
    """The real time, until it is moved; each move is written to the file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = OffsetFile(path)

    def advance(self, by: timedelta) -> None:
        """See ``SandboxClock``."""
        super().advance(by)
        self._file.write((self.now() - datetime.now(UTC)).total_seconds())
