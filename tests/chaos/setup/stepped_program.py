"""Runs ``odobot`` with a clock that is stepped by a file: ``python -m tests.chaos.setup.stepped_program run``.

Debian's libfaketime steps every clock of a process, but made notices ten times slower (measured: 25 s of CPU instead of
0.8 s for 60 notices), so only the clock that the composition root injects is replaced.
"""

import datetime
import os
import time
from pathlib import Path

import services.clock

_FILE = Path(os.environ["CHAOS_CLOCK_FILE"])
_read_at, _offset = 0.0, datetime.timedelta()


def stepped_now() -> datetime.datetime:
    """Return the machine's time plus the offset in the file, which is read twice a second."""
    global _read_at, _offset
    if time.monotonic() > _read_at + 0.5:
        _read_at, _offset = time.monotonic(), datetime.timedelta(seconds=float(_FILE.read_text()))
    return datetime.datetime.now(datetime.UTC) + _offset


services.clock.utc_now = stepped_now

if __name__ == "__main__":
    from bot.__main__ import main

    main()
