"""The layers: imports go downwards, and the composition root constructs components."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "handlers", "services", "portal", "mail", "storage", "texts")
MADE_BY_APP = {
    "Database",
    "HttpPortal",
    "TrytonPortal",
    "SmtpMailer",
    "Linking",
    "Vault",
    "ApplicationBuilder",
    "Services",
}
# The command line opens the database, with its vault, where no bot is wanted. PTB's application comes with its updates.
# Tokens in mails have a vault of their own, whose key is stored. An adapter makes its portal for the composition root.
ALSO = {
    Path("portal/adapters/http_contract.py"): {"HttpPortal"},
    Path("portal/adapters/tryton.py"): {"TrytonPortal"},
    Path("bot/commands/common.py"): {"Database", "Vault"},
    Path("bot/updates/application.py"): {"ApplicationBuilder"},
    Path("services/notices/copies.py"): {"Vault"},
}


def test_imports_go_only_to_lower_layers() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_only_the_composition_root_constructs_components() -> None:
    made = [
        (str(path.relative_to(ROOT)), name)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in _constructed(path) - ALSO.get(path.relative_to(ROOT), set())
        if path.relative_to(ROOT) != Path("bot/app.py")
    ]
    assert made == []


def _constructed(path: Path) -> set[str]:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return {call.id for call in calls if isinstance(call, ast.Name)} & MADE_BY_APP
