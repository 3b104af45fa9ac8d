"""Print the software bill of materials of the product as CycloneDX 1.6 JSON, from requirements.lock alone.

It needs no network and no package, and the same lock gives the same bytes. Format: https://cyclonedx.org/docs/1.6/json/.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_PINNED = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)(?: *; *(?P<marker>[^\\]*[^\\ ]))?")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NEEDED_BY = re.compile(r"^ +# (?:via +|  )(\S+)", re.MULTILINE)


def packages(lock: str) -> Iterator[tuple[re.Match[str], list[str], list[str]]]:
    """Yield each package of a lock file that ``uv pip compile`` wrote: its pin, its hashes, and who needs it."""
    for block in re.split(r"\n(?=[a-z0-9])", lock):
        if pinned := _PINNED.match(block):
            yield pinned, _HASH.findall(block), _NEEDED_BY.findall(block)


def bill(lock: str, name: str, version: str) -> dict[str, Any]:
    """Return the bill of a product whose lock this is. The build backend is in the lock, and in the bill."""
    root = f"pkg:pypi/{name}@{version}"
    found = list(packages(lock))
    refs = {pinned["name"]: f"pkg:pypi/{pinned['name']}@{pinned['version']}" for pinned, _, _ in found}
    needs: dict[str, set[str]] = {ref: set() for ref in (root, *refs.values())}
    for pinned, _, needed_by in found:
        for each in needed_by or [name]:  # nothing stands at the build backend
            needs[refs.get(each, root)].add(refs[pinned["name"]])
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": root, "name": name, "version": version, "purl": root}
        },
        "components": [_component(pinned, hashes) for pinned, hashes, _ in found],
        "dependencies": [{"ref": ref, "dependsOn": sorted(on)} for ref, on in sorted(needs.items())],
    }


def _component(pinned: re.Match[str], hashes: list[str]) -> dict[str, Any]:
    purl = f"pkg:pypi/{pinned['name']}@{pinned['version']}"
    wheels = {
        "type": "distribution",
        "url": f"https://pypi.org/project/{pinned['name']}/{pinned['version']}/#files",
        "comment": "one hash for each wheel that may be installed",
        "hashes": [{"alg": "SHA-256", "content": each} for each in hashes],
    }
    component: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": pinned["name"]}
    component |= {"version": pinned["version"], "purl": purl, "externalReferences": [wheels]}
    if pinned["marker"]:
        component["properties"] = [{"name": "python:marker", "value": pinned["marker"]}]
    return component


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    made = bill((ROOT / "requirements.lock").read_text(), project["name"], project["version"])
    json.dump(made, sys.stdout, indent=2)
    sys.stdout.write("\n")
