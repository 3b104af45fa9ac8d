"""The files of deploy/ start what they say, without rights, and the first steps in docs/operating.md use them."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bot.cli import cli
from bot.settings import _SECRETS, PREFIX, Settings
from sandbox.serving import free_port
from tests.test_supply_chain import stages

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
OPERATING = (ROOT / "docs" / "operating.md").read_text()
NAMES = [PREFIX + field.upper() for field in Settings.model_fields]
FILES = [f"{PREFIX}{field.upper()}_FILE" for field in _SECRETS]
COMPOSE = {path.name: yaml.safe_load(path.read_text()) for path in sorted(DEPLOY.glob("compose*.yaml"))}
OWN = [
    pytest.param(file, name, id=f"{file} {name}")
    for file, content in COMPOSE.items()
    for name, service in content["services"].items()
    if "build" in service
]
HOME = next(rest for name, rest in stages()[1] if name == "VOLUME")
USER = next(rest for name, rest in stages()[1] if name == "USER")


def program(name: str, package: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is missing: apt-get install {package}")
    return found


def run(*command: str | Path) -> str:
    """Run a command that must succeed. Returns: what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_both_ways_to_run_are_there() -> None:
    assert {file: set(content["services"]) for file, content in COMPOSE.items()} == {
        "compose.yaml": {"migrate", "web", "worker", "postgres", "nginx"},
        "compose-sqlite.yaml": {"odobot"},
    }


@pytest.mark.parametrize(("file", "name"), OWN)
def test_bot_runs_without_rights_and_writes_to_one_folder(file: str, name: str) -> None:
    service = COMPOSE[file]["services"][name]
    assert service["user"] == f"{USER}:{USER}"
    assert service["read_only"] is True
    assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)
    written = [each.partition(":")[2].partition(":")[0] for each in service.get("volumes", [])]
    written += [each.partition(":")[0] for each in service.get("tmpfs", [])]
    assert written == [HOME]
    assert int(service["stop_grace_period"].removesuffix("s")) > 10


@pytest.mark.parametrize(("file", "name"), OWN)
def test_environment_of_a_container_has_settings(file: str, name: str) -> None:
    """Each secret that is named is there, and each that is there is named."""
    content = COMPOSE[file]
    service = content["services"][name]
    assert set(service["environment"]) <= {*NAMES, *FILES}
    read = {Path(value).name for key, value in service["environment"].items() if key in FILES}
    assert read == set(service["secrets"])
    assert read <= set(content["secrets"])
    command = service.get("command", ["run"])
    assert command[0] in {each.name or (each.callback and each.callback.__name__) for each in cli.registered_commands}
    required = [PREFIX + name.upper() for name, field in Settings.model_fields.items() if field.is_required()]
    # A portal's URL is a secret only where it has a password.
    secret = {f"{PREFIX}{field.upper()}" for field in _SECRETS if field != "portal_url"}
    assert {f"{each}_FILE" for each in required if each in secret} <= set(service["environment"])


@pytest.mark.parametrize("file", COMPOSE)
def test_compose_is_consistent(file: str) -> None:
    """What a service names exists: networks, volumes, secrets, services; and only what the public may reach is open."""
    content = COMPOSE[file]
    used = {"networks": set[str](), "secrets": set[str](), "volumes": set[str]()}
    for service in content["services"].values():
        used["networks"] |= set(service.get("networks", []))
        used["secrets"] |= set(service.get("secrets", []))
        used["volumes"] |= {each.partition(":")[0] for each in service.get("volumes", []) if each[0] not in "./"}
        assert set(service.get("depends_on", {})) <= set(content["services"])
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        # Podman knows no uid of a tmpfs.
        assert not [each for each in service.get("tmpfs", []) if "uid=" in each]
        assert re.fullmatch(r"odobot|docker\.io/library/\w+:\d[\w.-]*", service["image"])
    assert {part: set(content.get(part, {})) for part in used} == used
    published = [port for service in content["services"].values() for port in service.get("ports", [])]
    assert published == (["80:80", "443:443"] if "nginx" in content["services"] else ["127.0.0.1:8080:8080"])


def test_database_is_reached_by_the_bot_only() -> None:
    services = COMPOSE["compose.yaml"]["services"]
    assert COMPOSE["compose.yaml"]["networks"]["database"] == {"internal": True}
    assert services["postgres"]["networks"] == ["database"]
    assert [name for name, each in services.items() if "database" in each["networks"]] == [
        "migrate", "web", "worker", "postgres",
    ]  # fmt: skip
    assert services["web"]["depends_on"] == services["worker"]["depends_on"]
    assert services["web"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def a_site(folder: Path, text: str) -> tuple[Path, int, int]:
    """Write a whole configuration around a site, on free ports. Returns: its file, the ports of HTTP and of HTTPS."""
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    run(
        program("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bot.example.com",
        "-days", "2", "-keyout", key, "-out", certificate,
    )  # fmt: skip
    plain, tls = free_port(), free_port()
    for old, new in (
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{tls} ssl;"),
        ("/etc/letsencrypt/live/bot.example.com", str(folder)),
    ):
        assert old in text
        text = text.replace(old, new)
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    file = folder / "nginx.conf"
    file.write_text(
        f"{user} error_log {folder}/error.log; pid {folder}/nginx.pid; events {{}}\n"
        f"http {{ access_log off; {paths} {text} }}"
    )
    return file, plain, tls


def test_nginx_takes_the_site_without_a_warning(tmp_path: Path) -> None:
    nginx = program("nginx", "nginx-light")
    file, *_ = a_site(tmp_path, (DEPLOY / "nginx.conf").read_text())
    said = run(nginx, "-t", "-p", tmp_path, "-c", file)
    assert "warn" not in said


def test_nginx_of_compose_passes_to_the_replica(tmp_path: Path) -> None:
    """The command in compose.yaml changes the address and nothing else."""
    service = COMPOSE["compose.yaml"]["services"]["nginx"]
    (expression,) = re.findall(r"sed '([^']+)' /odobot.conf", service["command"][2])
    site = (DEPLOY / "nginx.conf").read_text()
    changed = run("sed", expression, DEPLOY / "nginx.conf")
    assert [(old, new) for old, new in zip(site.splitlines(), changed.splitlines(), strict=True) if old != new] == [
        ("    server 127.0.0.1:8080 max_fails=1 fail_timeout=2s;", "    server web:8080 max_fails=1 fail_timeout=2s;")
    ]


def test_nginx_sends_plain_requests_to_https(tmp_path: Path) -> None:
    nginx = program("nginx", "nginx-light")
    file, plain, tls = a_site(tmp_path, (DEPLOY / "nginx.conf").read_text())
    with subprocess.Popen([nginx, "-p", tmp_path, "-c", file, "-g", "daemon off;"]) as process:
        try:
            with httpx.Client(transport=httpx.HTTPTransport(retries=8, verify=False)) as client:
                answer = client.get(f"http://127.0.0.1:{plain}/privacy?x=1", headers={"Host": "bot.example.com"})
                assert (answer.status_code, answer.headers["location"]) == (301, "https://bot.example.com/privacy?x=1")
                for path, status in {"/privacy": 502, "/metrics": 404, "/readyz": 404}.items():
                    answer = client.get(f"https://127.0.0.1:{tls}{path}")
                    assert answer.status_code == status, path
        finally:
            process.terminate()


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    for unit in DEPLOY.glob("*.service"):
        # The program is not installed here.
        text, count = re.subn(r"(?<=ExecStart=)/opt/odobot/bin/odobot", "/bin/true", unit.read_text())
        assert count == 1
        (tmp_path / unit.name).write_text(text)
        drop_in = tmp_path / f"{unit.name}.d"
        drop_in.mkdir()
        shutil.copy(DEPLOY / "credentials.conf", drop_in)
    assert (
        run(analyze, "verify", *(tmp_path / name for name in ("odobot@.service", "odobot-command@check.service"))) == ""
    )


def test_user_of_the_units_is_made(tmp_path: Path) -> None:
    sysusers = program("systemd-sysusers", "systemd")
    (tmp_path / "etc").mkdir()
    run(sysusers, f"--root={tmp_path}", DEPLOY / "odobot.sysusers")
    (user,) = [line for line in (tmp_path / "etc" / "passwd").read_text().splitlines() if line.startswith("odobot:")]
    assert user.split(":")[5:] == ["/var/lib/odobot", "/usr/sbin/nologin"]
    for unit in DEPLOY.glob("*.service"):
        assert re.search(r"^User=odobot\nGroup=odobot\nStateDirectory=odobot$", unit.read_text(), re.MULTILINE)


def steps(title: str) -> list[list[str]]:
    """Return the commands of a section of docs/operating.md, as words."""
    section = OPERATING.split(f"### {title}\n")[1].split("\n#")[0]
    return [line.split() for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) for line in block.splitlines()]


def test_first_steps_with_systemd_use_what_is_there() -> None:
    """Files exist; the installation is the container's; what the units read is what the steps make."""
    commands = steps("First steps with systemd")
    named = {word for words in commands for word in words if re.match(r"(deploy/|\.env|requirements)", word)}
    assert {word for word in named if not (ROOT / word).is_file()} == set()
    pip = [" ".join(words).removeprefix("/opt/odobot/bin/") for words in commands if words[0].endswith("/pip")]
    build = " ".join(rest for name, rest in stages()[0] if name == "RUN").replace("--no-cache-dir ", "")
    assert len(pip) == 2
    assert all(each in build for each in pip)
    made = {words[-1] for words in commands if words[0] == "install"}
    read = set(re.findall(r"^EnvironmentFile=(\S+)", (DEPLOY / "odobot@.service").read_text(), re.MULTILINE))
    assert {each.replace("%i", "bot") for each in read} <= made


def test_first_steps_with_containers_use_what_is_there() -> None:
    commands = steps("First steps with containers")
    assert {words[2] for words in commands if words[:2] == ["docker", "compose"]} == {"-f"}
    assert {words[3] for words in commands if words[:2] == ["docker", "compose"]} == {"deploy/compose.yaml"}
    assert all(service["env_file"] == ["odobot.env"] for service in own_services())
    secrets = {each["file"] for content in COMPOSE.values() for each in content["secrets"].values()}
    assert {Path(file).parent for file in secrets} == {Path("secrets")}
    assert {"/deploy/odobot.env", "/deploy/secrets/"} <= set((ROOT / ".gitignore").read_text().splitlines())


def own_services() -> list[dict[str, Any]]:
    return [service for each in COMPOSE.values() for service in each["services"].values() if "build" in service]
