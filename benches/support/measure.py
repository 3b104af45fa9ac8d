"""What benches share: medians, a table in Markdown, what /proc says of a process, and a verdict."""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

MEGABYTE = 1024 * 1024


def median(figures: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(figures)


def percentile(figures: Sequence[float], percent: int) -> float:
    """Return a percentile of two or more figures."""
    return statistics.quantiles(figures, n=100, method="inclusive")[percent - 1]


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, left: int = 1) -> str:
    """Return a table in Markdown; floats with two decimals, the first ``left`` columns left-aligned."""
    aligned = ["---"] * left + ["--:"] * (len(columns) - left)
    lines = ["| " + " | ".join(columns) + " |", "|" + "|".join(aligned) + "|"]
    for row in rows:
        cells = (f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def resident(pid: int) -> float:
    """Return the resident memory of a process in megabytes."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> float:
    """Return the peak resident memory of a process in megabytes."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return int(kilobytes) * 1024 / MEGABYTE


def verdict(what: str, figure: float, limit: float) -> bool:
    """Print a figure and its limit. Returns whether the limit is kept."""
    kept = figure <= limit
    print(f"{what}: {figure:.2f}, at most {limit:.2f}: {'kept' if kept else 'MISSED'}")
    return kept


def bot_process() -> int:
    """Return the pid of the one ``odobot run`` that this process started."""
    children = [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
    (found,) = [pid for pid in children if Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").endswith(b"\0run")]
    return int(found)
