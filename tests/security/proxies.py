"""Debian's nginx and Apache httpd before a portal, unprivileged, on loopback."""

import asyncio
import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.serving import free_port

_LOCK = Path(tempfile.gettempdir()) / "odobot-apt.lock"
_SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin"
_SECONDS = 10.0
_NGINX = """
daemon off;
worker_processes 1;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 128; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass {backend}{way}; }}
    }}
}}
"""
_APACHE = """
ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
Mutex file:{folder}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 8
ServerLimit 1
{way}
"""
_PROXY_PASS = "AllowEncodedSlashes {slashes}\nProxyPass / {backend}/ {nocanon}"


@dataclass(frozen=True, slots=True)
class Proxy:
    """One way to configure a reverse proxy.

    Attributes:
        keeps_paths: It hands paths on as they came; the others decode and fold ``%2E%2E`` at least.
        decodes_slashes: It decodes ``%2F`` too, so that ``1%2F..%2F`` leads elsewhere.
    """

    name: str
    program: str
    package: str
    configuration: str
    way: str
    keeps_paths: bool = False
    decodes_slashes: bool = False


def _apache(slashes: str, nocanon: str = "", *, decodes_slashes: bool = False) -> Proxy:
    way = _PROXY_PASS.format(slashes=slashes, nocanon=nocanon, backend="{backend}")
    name = f"apache {slashes} {nocanon}".strip()
    return Proxy(name, "apache2", "apache2-bin", _APACHE, way, bool(nocanon), decodes_slashes)


PROXIES = [
    Proxy("nginx passes on", "nginx", "nginx-light", _NGINX, "", keeps_paths=True),
    Proxy("nginx decodes", "nginx", "nginx-light", _NGINX, "/", decodes_slashes=True),
    _apache("Off"),
    _apache("On", decodes_slashes=True),
    _apache("NoDecode"),
    _apache("On", "nocanon"),
    _apache("NoDecode", "nocanon"),
]


@asynccontextmanager
async def before(portal_url: str, proxy: Proxy) -> AsyncIterator[str]:
    """Run the proxy in front of a portal until the block ends. Gives its URL."""
    program, port = _installed(proxy), free_port()
    with tempfile.TemporaryDirectory(prefix="odobot-proxy-") as name:
        folder = Path(name)
        way = proxy.way.format(backend=portal_url)
        file = folder / "proxy.conf"
        file.write_text(proxy.configuration.format(folder=folder, port=port, backend=portal_url, way=way))
        arguments = ["-p", folder, "-c", file] if proxy.program == "nginx" else ["-X", "-f", file]
        user = _unprivileged(folder)
        process = await asyncio.create_subprocess_exec(
            program, *map(str, arguments), user=user, group=user and pwd.getpwuid(user).pw_gid,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await _listens(process, port, folder)
            yield f"http://127.0.0.1:{port}"
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _unprivileged(folder: Path) -> int | None:
    """Return the user of the process: nobody if the tests run as root."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody")
    for path in (folder, *folder.iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)
    return user.pw_uid


def _installed(proxy: Proxy) -> str:
    """Return the program's path; installs it from Debian if it is missing, under a lock."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = shutil.which(proxy.program, path=_SEARCHED)
        if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
            install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", proxy.package]
            for command in (["apt-get", "update", "-qq"], install):
                environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
                subprocess.run(command, check=False, capture_output=True, env=environment)
            found = shutil.which(proxy.program, path=_SEARCHED)
    assert found, f"these tests need {proxy.program}; on Debian, as root: apt-get install {proxy.package}"
    return found


async def _listens(process: asyncio.subprocess.Process, port: int, folder: Path) -> None:
    log = folder / "error.log"
    async with asyncio.timeout(_SECONDS):
        while True:
            ended = process.returncode is not None
            assert not ended, log.read_text() if log.exists() else f"it ended with {process.returncode}"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return
