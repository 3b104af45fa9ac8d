"""`odobot portal-check`: what it prints of a portal that keeps the contract, and of ones that do not."""

import asyncio

import pytest
from typer.testing import CliRunner

from bot.cli import cli
from sandbox.portal.faults import Fault, FaultKind
from sandbox.portal.server import PortalServer

CLIENT = ("--email", "flotte@example.test", "--other-email", "anna@example.test")


async def check(url: str, *options: str, token: str = "secret") -> tuple[int, str]:
    """The command, as somebody types it."""
    environment = {"ODOBOT_PORTAL_TOKEN": token}
    done = await asyncio.to_thread(CliRunner().invoke, cli, ["portal-check", url, *options], env=environment)
    assert isinstance(done.exception, SystemExit | None), done.exception
    return done.exit_code, done.output


def broken(output: str) -> list[str]:
    """The lines that tell of something broken."""
    return [line for line in output.splitlines() if line.startswith("BROKEN")]


async def test_a_portal_that_keeps_the_contract() -> None:
    async with PortalServer("secret") as server:
        code, output = await check(server.url, *CLIENT, "--examples", "5")
    assert code == 0, output
    assert broken(output) == []
    assert "kept  HTTP: GET /v1/events" in output
    assert "secret" not in output
    assert "flotte@" not in output


@pytest.mark.parametrize(
    ("fault", "promise"),
    [
        (Fault(FaultKind.PDF_TRUNCATED, path="*/pdf"), "An invoice's PDF"),
        (Fault(FaultKind.PDF_HTML, path="*/pdf"), "An invoice's PDF"),
        (Fault(FaultKind.MALFORMED_JSON, path="/v1/links"), "The portal's menu"),
        (Fault(FaultKind.UNAVAILABLE, path="/v1/events"), "The feed starts at now"),
        (Fault(FaultKind.MALFORMED_JSON, path="/v1/contacts/search"), "The portal answers"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
async def test_a_portal_that_does_not(fault: Fault, promise: str) -> None:
    async with PortalServer("secret") as server:
        server.faults.set(fault)
        code, output = await check(server.url, *CLIENT, "--examples", "0")
    assert code == 1
    assert any(promise in line for line in broken(output)), output
    assert "flotte@" not in output


async def test_an_answer_of_another_kind_is_found_in_the_http_calls() -> None:
    async with PortalServer("secret") as server:
        server.faults.set(Fault(FaultKind.WRONG_TYPE, path="/v1/links"))
        code, output = await check(server.url, *CLIENT, "--examples", "2")
    assert code == 1
    [line] = [line for line in broken(output) if "HTTP:" in line]
    assert "GET /v1/links" in line


async def test_a_wrong_token_and_a_stranger() -> None:
    async with PortalServer("secret") as server:
        code, output = await check(server.url, *CLIENT, token="wrong")
        assert (code, len(output.splitlines())) == (1, 2)
        assert "PortalRefused" in output
        code, output = await check(server.url, "--email", "nobody@example.test")
        assert code == 1
        assert "nobody has the address that was given" in output


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://portal.example.com", "plain http:// only on this machine"),
        ("tryton+https://host", "expected tryton+https://host/database"),
        ("ftp://host", "expected https://host"),
    ],
)
async def test_an_address_that_is_none(url: str, words: str) -> None:
    code, output = await check(url, *CLIENT)
    assert code == 1
    assert words in output
    assert len(output.splitlines()) == 1
