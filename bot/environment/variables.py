"""The names and values of the environment and of ``.env``: quotes that were kept, and names that are misspelt."""

import difflib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

ENV_FILE = ".env"
_NOT_OURS = re.compile(r"ODOBOT_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
"""What Kubernetes and container links set in each container beside a service that is named ``odobot``.
https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables"""
_LINK_ADDRESS = re.compile(r"(tcp|udp|sctp)://\S+")


def unquoted(value: str) -> str:
    """Return what ``.env`` would give for this value: docker's and podman's ``--env-file`` keep the quotes."""
    text = value.strip()
    if len(text) < 2 or text[0] not in "\"'":
        return value
    read = dotenv_values(stream=StringIO(f"VALUE={text}\n"))
    found = read.get("VALUE")
    return value if found is None or len(read) != 1 else found


def unknown_names(prefix: str, known: Collection[str], files: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    """Find the names with the prefix, in the environment and in files of settings, that no setting has.

    Args:
        known: The names of the settings.
        files: The variables of the files.

    Yields:
        The name, and the known name that is most like it; empty if none is.
    """
    found: Mapping[str, str | None] = {**files, **os.environ}
    for name, value in found.items():
        upper = name.upper()
        if not upper.startswith(prefix) or upper in known or _NOT_OURS.fullmatch(upper):
            continue
        if upper.endswith("_PORT") and _LINK_ADDRESS.fullmatch(value or ""):
            continue
        names = [each.removeprefix(prefix) for each in known]
        nearest = difflib.get_close_matches(upper.removeprefix(prefix), names, n=1)
        yield name, prefix + nearest[0] if nearest else ""


def values_of_env_file() -> Mapping[str, str | None]:
    """Return the variables of ``.env``; none where it is missing or cannot be read."""
    try:
        return dotenv_values(ENV_FILE, interpolate=False, encoding="utf-8") if Path(ENV_FILE).is_file() else {}
    except (OSError, UnicodeDecodeError):
        return {}
