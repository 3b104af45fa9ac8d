"""What a start leaves out, and that none of it stays away."""

import subprocess
import sys

CHILD = """
import os, ssl, sys
before = os.environ | {"PYDANTIC_DISABLE_PLUGINS": "__all__"}
authorities = len(ssl.create_default_context().get_ca_certs())
from bot.lean_start import lean_start
with lean_start():
    import bot.process
    from aiohttp.connector import _SSL_CONTEXT_VERIFIED
print("rich" in sys.modules, "httpx._main" in sys.modules, len(_SSL_CONTEXT_VERIFIED.get_ca_certs()))
print(os.environ == before, len(ssl.create_default_context().get_ca_certs()) == authorities)
import httpx._main, rich.console
print("rich" in sys.modules)
"""


def test_a_start_imports_no_command_line_and_reads_no_certificates_that_nobody_uses() -> None:
    ran = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["False False 0", "True True", "True"]


LATER = {
    "handlers.routes",
    "storage.tables",
    "babel",
    "prometheus_client",
    "uvicorn",
    "starlette",
    "alembic",
    "asyncpg",
}


def test_what_handles_updates_is_imported_while_the_first_are_asked_for() -> None:
    child = "import bot.settings, bot.logs, bot.process, sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
    assert "storage.database" in ran.stdout.split()
    assert LATER.intersection(ran.stdout.split()) == set()
