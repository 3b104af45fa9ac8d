"""Debian's nginx with ``deploy/nginx.conf``, with the test's ports and without certificates."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sandbox.serving import free_port

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx.conf"
_AROUND = """
{user}
worker_processes 1;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""


@asynccontextmanager
async def load_balancer(folder: Path, ports: Sequence[int]) -> AsyncIterator[str]:
    """Run nginx before the replicas on these ports. Gives its URL."""
    program, port = _program(), free_port()
    folder.mkdir()  # noqa: ASYNC240
    file = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    file.write_text(_AROUND.format(user=user, folder=folder, site=_site(port, ports)))
    checked = subprocess.run([program, "-t", "-p", folder, "-c", file], capture_output=True, text=True)  # noqa: ASYNC221
    assert checked.returncode == 0, checked.stderr
    process = await asyncio.create_subprocess_exec(
        program, "-p", folder, "-c", file, "-g", "daemon off;", stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await _listens(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


def _site(port: int, ports: Sequence[int]) -> str:
    """Return the configuration of deploy/ with this machine's ports; asserts that each part was replaced."""
    site = CONFIGURATION.read_text()
    servers = [f"server 127.0.0.1:{each} max_fails=1 fail_timeout=2s;" for each in ports]
    exchanged = (
        (r"(    server 127\.0\.0\.1:\d+ max_fails=1 fail_timeout=2s;\n)+", "    " + "\n    ".join(servers) + "\n"),
        (r"listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        (r"listen 80;", f"listen 127.0.0.1:{free_port()};"),
        (r"    ssl_certificate\w* .*;\n", ""),
    )
    for pattern, to in exchanged:
        site, count = re.subn(pattern, to, site)
        assert count, pattern
    return site


def _program() -> str:
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "nginx-light"]):
            environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(command, check=False, capture_output=True, env=environment)
        found = shutil.which("nginx", path="/usr/sbin")
    assert found, "these tests need nginx; on Debian, as root: apt-get install nginx-light"
    return found


async def _listens(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise TimeoutError("nginx does not listen")
