"""Runs scenarios: ``python -m tests.chaos.scenarios notices-502 kills-at-once --engine postgresql``, or ``all``."""

import argparse
import importlib
import pkgutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos import scenarios
from tests.chaos.scenarios.play import SCENARIOS, Where
from tests.chaos.setup.program import run_until_terminated


def main() -> int:
    """Run the named scenarios, one line of figures each; without names, list them."""
    for module in pkgutil.iter_modules(scenarios.__path__):
        if module.name != "__main__":
            importlib.import_module(f"{scenarios.__name__}.{module.name}")
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.scenarios", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*SCENARIOS, "all", []], metavar="NAME")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"))
    parser.add_argument("--mode", choices=("polling", "webhook"))
    options = parser.parse_args()
    if not options.names:
        for name, each in SCENARIOS.items():
            _say(f"{name:22} {'|'.join(each.engines):18} {'|'.join(each.modes):16} {each.run.__doc__}")
        return 0
    for name in SCENARIOS if "all" in options.names else options.names:
        each = SCENARIOS[name]
        engine, mode = options.engine or each.engines[0], options.mode or each.modes[0]
        if engine in each.engines and mode in each.modes:
            _run(name, engine, mode)
    return 0


def _run(name: str, engine: str, mode: str) -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="odobot-scenario-", ignore_cleanup_errors=True) as folder:
        try:
            figures = run_until_terminated(_figures(name, Where(Path(folder), engine, mode)))
        except Exception as error:  # one that fails must not end the others
            figures = f"FAILED {type(error).__name__}: {str(error)[-500:]}"
    _say(f"{name} ({engine}, {mode}, {time.monotonic() - began:.0f} s): {figures}")


async def _figures(name: str, where: Where) -> str:
    return await SCENARIOS[name].run(where)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
