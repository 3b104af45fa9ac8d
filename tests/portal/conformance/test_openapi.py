"""docs/portal-api.yaml is the contract as the bot reads it; `make portal-api` writes it anew."""

from pathlib import Path

import yaml

from portal.conformance.openapi import document
from sandbox.portal.app import create_app
from sandbox.portal.company import Portal

FILE = Path(__file__).parents[3] / "docs" / "portal-api.yaml"
HEAD = "# Made by `make portal-api` from portal/models.py and portal/conformance/openapi.py: change those.\n"


def written() -> str:
    """Return the text that the file should have."""
    return HEAD + yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120)


def test_file_is_up_to_date() -> None:
    assert FILE.read_text() == written(), "run: make portal-api"


def test_calls_and_parameters_match_the_sandbox() -> None:
    """The document and the sandbox's portal have the same calls with the same parameters."""
    portal = Portal()
    made = create_app(portal, "secret").openapi()
    portal.close()
    assert _calls(document()) == _calls(made)


def _calls(api: dict[str, object]) -> set[tuple[str, str, frozenset[tuple[str, str]]]]:
    paths = api["paths"]
    assert isinstance(paths, dict)
    return {
        (method, path, frozenset((p["in"], p["name"].lower()) for p in call.get("parameters", ())))
        for path, methods in paths.items()
        for method, call in methods.items()
    }


if __name__ == "__main__":
    FILE.write_text(written())
