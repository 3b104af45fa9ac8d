"""A clock for the program that can be stepped while it runs; see ``stepped_program``."""

from pathlib import Path


class SteppedClock:
    """The injected clock of the processes that get ``environment``. Their monotonic clock runs on."""

    can_step = True

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.offset = 0.0
        self.step(0)

    def step(self, offset: float) -> None:
        """Set the clock to the machine's time plus ``offset`` seconds. Processes notice within half a second."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{offset:.0f}")
        written.rename(self._file)  # at once: a process never reads half a file
        self.offset = offset

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables for a process."""
        return {"CHAOS_CLOCK_FILE": str(self._file)}
