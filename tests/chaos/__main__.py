"""Runs chaos from the command line: ``python -m tests.chaos --seconds 180 --engine both --mode both --seed 7``."""

import argparse
import random
import sys
import time

from tests.chaos.run import run
from tests.chaos.setup.program import run_until_terminated

ENGINES = {"sqlite": ("sqlite",), "postgresql": ("postgresql",), "both": ("sqlite", "postgresql")}
MODES = {"polling": ("polling",), "webhook": ("webhook",), "both": ("polling", "webhook")}


def main() -> int:
    """Run every chosen combination. Returns 1 if an invariant was violated."""
    options = _parser().parse_args()
    seed = int(options.seed) if options.seed else random.SystemRandom().randrange(10**6)
    combinations = [(engine, mode) for engine in ENGINES[options.engine] for mode in MODES[options.mode]]
    again = f"make test-chaos SEED={seed} SECONDS={options.seconds:g} ENGINE={options.engine} MODE={options.mode}"
    _say(f"seed {seed} (again: {again})")
    violated = 0
    for engine, mode in combinations:
        began = time.monotonic()
        result = run_until_terminated(run(seed, options.seconds / len(combinations), engine, mode))
        verdict = "VIOLATED" if result.violations else "held"
        _say(f"{engine}, {mode}: {verdict} after {time.monotonic() - began:.0f} s")
        for line in result.lines:
            _say(f"  {line}")
        violated += len(result.violations)
    return 1 if violated else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0, help="time of faults, shared by the combinations")
    parser.add_argument("--seed", default="", help="the plan follows from it (default: a random one, printed)")
    parser.add_argument("--engine", choices=ENGINES, default="both")
    parser.add_argument("--mode", choices=MODES, default="both")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
