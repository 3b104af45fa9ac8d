"""Run every bench in its own process, one after the other: ``make bench``, or ``make bench KEEP=1``.

    python -m benches [--keep] [NAME ...]

Prints the output of each, and at the end which limits were kept. ``--keep`` writes it into ``benches/README.md``, with
the machine it ran on.
"""

import argparse
import datetime
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).with_name("README.md")
BENCHES = {
    "throughput": "The whole bot beside its peers",
    "same_work": "The same work, side by side",
    "latency": "A tap, and others while one floods",
    "startup": "From the start to the first getUpdates",
    "storage": "Storage as it grows",
    "memory": "Peak memory, empty and full",
    "notices": "Notices on invoice day",
    "packing": "Packs of invoices, and taps meanwhile",
    "sql_portal": "A portal of SQL views with 100,000 invoices",
    "attacks": "Attacks on the public port, from the portal and by strangers",
    "soak": "Ten minutes of traffic",
}
_BEGIN, _END = "<!-- begin {name} -->\n", "<!-- end {name} -->\n"


def machine() -> str:
    """Return the machine's description in one line."""
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.partition(":")[2].strip() for line in cpuinfo.splitlines() if "model name" in line), "?")
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    load = f"load {os.getloadavg()[0]:.1f} at the end"
    day = datetime.datetime.now(datetime.UTC).date()
    return f"{day}: {os.cpu_count()} cores ({model}), {system}, Python {platform.python_version()}, {load}"


def run(name: str) -> tuple[str, bool]:
    """Run one bench and show its output. Returns the output, and whether the bench kept its limits."""
    printed: list[str] = []
    with subprocess.Popen([sys.executable, "-m", f"benches.{name}"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            printed.append(line)
    return "".join(printed), process.returncode == 0


def keep(name: str, printed: str) -> None:
    """Write the output of a bench into its place in the README."""
    text = README.read_text()
    begin, end = _BEGIN.format(name=name), _END.format(name=name)
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{README.name} has no place for {name}: {begin.strip()}")
    # A Markdown table ends where a line without bars follows it.
    lines = [line for line in printed.splitlines() if line]
    spaced = [line if line.startswith("|") else f"\n{line}\n" for line in lines]
    README.write_text(
        f"{before}{begin}\n{machine()}\n\n" + re.sub(r"\n{3,}", "\n\n", "\n".join(spaced)).strip() + f"\n\n{end}{after}"
    )


def main() -> None:
    """Run the named benches, or all of them."""
    arguments = argparse.ArgumentParser(prog="python -m benches")
    arguments.add_argument("names", nargs="*", default=list(BENCHES), metavar="NAME", help=", ".join(BENCHES))
    arguments.add_argument("--keep", action="store_true", help="write the results into benches/README.md")
    given = arguments.parse_args()
    if unknown := set(given.names) - set(BENCHES):
        arguments.error(f"no such bench: {', '.join(sorted(unknown))}")
    results: dict[str, bool] = {}
    for name in given.names:
        print(f"\n## {BENCHES[name]} (benches.{name})\n", flush=True)
        printed, results[name] = run(name)
        if given.keep:
            keep(name, printed)
    print()
    for name, kept in results.items():
        print(f"{'kept  ' if kept else 'MISSED'}  {BENCHES[name]}")
    sys.exit(not all(results.values()))


if __name__ == "__main__":
    main()
