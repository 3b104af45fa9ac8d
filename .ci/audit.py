"""Compare the product's lock with the known advisories, by pip-audit: make audit.

Exit code 0: every package was looked up, and none has an advisory. 1: the advisories are listed. 3: nothing, or not
everything, could be looked up; one line says what is missing. pip-audit itself ends with 0 where its
source knows none of the packages.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements.lock"
ADVISORIES, NOT_CHECKED = 1, 3
_SOURCE = "https://pypi.org/pypi, which pip-audit asks for advisories,"


def audit(command: Sequence[str]) -> tuple[int, str]:
    """Run pip-audit. Returns: the exit code, and the lines to print."""
    options = [
        "--requirement",
        str(LOCK),
        "--require-hashes",
        "--disable-pip",
        "--format=json",
        "--progress-spinner=off",
    ]
    try:
        done = subprocess.run(  # noqa: S603
            [*command, *options], capture_output=True, text=True, timeout=600, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return NOT_CHECKED, f"audit: nothing was checked: {command[0]} does not run ({type(error).__name__})"
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return NOT_CHECKED, f"audit: nothing was checked: {_SOURCE} cannot be used from here ({last[:200]})"
    known = [f"{each['name']} {each['version']}: {_advisory(one)}" for each in found for one in each.get("vulns", ())]
    if known:
        return ADVISORIES, "\n".join([f"audit: {len(known)} advisories", *known])
    missing = [each["name"] for each in found if "vulns" not in each]
    if missing or not found:
        return (
            NOT_CHECKED,
            f"audit: {len(missing)} of {len(found)} packages were not checked: {_SOURCE} does not know them",
        )
    return 0, f"audit: no advisories for {len(found)} packages"


def _advisory(found: dict[str, object]) -> str:
    versions = found.get("fix_versions")
    fixed = ", ".join(map(str, versions)) if isinstance(versions, list) and versions else "no version yet"
    return f"{found.get('id')}, fixed in {fixed}"


if __name__ == "__main__":
    code, lines = audit(sys.argv[1:])
    sys.stderr.write(f"{lines}\n")
    sys.exit(code)
