"""Every command that opens the database or the settings says what is wrong in one line, and makes nothing."""

import sqlite3
from collections.abc import Callable

import pytest

from sandbox.serving import free_port
from tests.bot.test_cli import Shell
from tests.postgres.server import PostgresServer

COMMANDS: dict[str, tuple[str, ...]] = {
    "unlink": ("unlink", "--chat", "1"),
    "unreadable": ("unlink", "--unreadable"),
    "lift-cap": ("lift-cap", "--email", "a@b.test"),
    "stop-copy": ("stop-copy", "stop token"),
    "notices": ("notices",),
    "watch": ("notices", "--watch"),
    "resend": ("notices", "--resend", "--yes"),
    "rotate-keys": ("rotate-keys",),
    "incidents list": ("incidents", "list"),
    "incidents update": ("incidents", "update", "1", "--risk", "no"),
    "incidents export": ("incidents", "export"),
    "deliveries": ("deliveries",),
    "explain": ("deliveries", "explain", "1"),
    "retry": ("deliveries", "retry", "1"),
    "cancel": ("deliveries", "cancel", "1"),
    "customers find": ("customers", "find", "a1"),
    "stats": ("stats", "--json"),
}


@pytest.mark.sqlite
@pytest.mark.parametrize("name", COMMANDS)
async def test_missing_database_is_not_made(operator: Shell, name: str) -> None:
    result = await operator.run(*COMMANDS[name], database_url="sqlite+aiosqlite:///new.db")
    assert (result.code, result.out) == (1, "")
    path = operator.folder / "new.db"
    assert result.line == f"ODOBOT_DATABASE_URL: there is no database at {path}, run: odobot migrate"
    assert list(operator.folder.iterdir()) == []


@pytest.mark.sqlite
@pytest.mark.parametrize("name", COMMANDS)
async def test_unmigrated_database_is_named(operator: Shell, name: str) -> None:
    path = operator.folder / "empty.db"
    path.touch()
    result = await operator.run(*COMMANDS[name], database_url="sqlite+aiosqlite:///empty.db", log_level="ERROR")
    assert (result.code, result.out) == (1, "")
    assert result.line == "ODOBOT_DATABASE_URL: the schema is not up to date, run: odobot migrate"


@pytest.mark.sqlite
async def test_schema_of_a_newer_version_is_named(operator: Shell, empty_database: object) -> None:
    path = operator.folder / "newer.db"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE alembic_version (version_num TEXT)")
        raw.execute("INSERT INTO alembic_version VALUES ('9999')")
    raw.close()
    for arguments in COMMANDS.values():
        result = await operator.run(*arguments, database_url="sqlite+aiosqlite:///newer.db", log_level="ERROR")
        assert (result.code, result.line) == (
            1,
            "ODOBOT_DATABASE_URL: the schema is that of a newer version, run that one",
        )


@pytest.mark.sqlite
async def test_file_that_is_no_database_is_named(operator: Shell) -> None:
    path = operator.folder / "letter.db"
    path.write_text("Dear customer, " * 1000)
    for arguments in COMMANDS.values():
        result = await operator.run(*arguments, database_url="sqlite+aiosqlite:///letter.db", log_level="CRITICAL")
        assert (result.code, result.out) == (1, "")
        assert result.line == (
            "ODOBOT_DATABASE_URL: the database cannot be used: the file is not an SQLite database, or it is encrypted:"
            " name another one"
        )
    assert path.read_text().startswith("Dear customer")


async def test_postgresql_that_refuses_is_named(
    operator: Shell, new_database: Callable[[], str], request: pytest.FixtureRequest, engine: str
) -> None:
    """No server, no such database, an empty one: one line each, for each command."""
    if engine != "postgresql":
        pytest.skip("about PostgreSQL")
    server: PostgresServer = request.getfixturevalue("postgres")
    unmigrated = server.create(migrated=False)
    lines = {
        f"postgresql+asyncpg://u:pass-word@127.0.0.1:{free_port()}/x": "the server cannot be reached",
        server.url("no_such_database"): "the server has no such database: create it, then run odobot migrate",
        unmigrated: "ODOBOT_DATABASE_URL: the schema is not up to date, run: odobot migrate",
    }
    for url, words in lines.items():
        for arguments in COMMANDS.values():
            result = await operator.run(*arguments, database_url=url)
            assert (result.code, result.out) == (1, "")
            assert result.line.startswith("ODOBOT_DATABASE_URL: ")
            assert words in result.line
    server.drop(unmigrated)


@pytest.mark.parametrize("name", COMMANDS)
async def test_missing_settings_are_a_line_each(operator: Shell, name: str) -> None:
    operator.settings = {}
    result = await operator.run(*COMMANDS[name])
    assert (result.code, result.out) == (1, "")
    lines = result.err.splitlines()
    assert any(line.startswith("ODOBOT_TELEGRAM_TOKEN: is required") for line in lines)
    assert lines[-1].startswith("There is no .env in ")
    assert "Traceback" not in result.err


USAGE = [
    (("frobnicate",), "odobot: No such command 'frobnicate'. (see odobot --help)"),
    (("--frobnicate",), "odobot: No such option: --frobnicate (see odobot --help)"),
    (("check", "now"), "odobot check: Got unexpected extra argument"),
    (("run", "--role", "king"), "odobot run: --role must be one of all, web, worker"),
    (("unlink", "--chat", "x"), "odobot unlink: Invalid value for '--chat'"),
    (("unlink", "--chat", str(10**30)), "odobot unlink: Invalid value for '--chat'"),
    (("lift-cap",), "odobot lift-cap: Missing option '--email'"),
    (("lift-cap", "--email", ""), "odobot lift-cap: --email must be an email address"),
    (("stop-copy",), "odobot stop-copy: Missing argument"),
    (("notices", "--watch", "--json"), "odobot notices: --watch goes with no other option"),
    (("notices", "--resend", "--id", "0"), "odobot notices: Invalid value for '--id'"),
    (("notices", "--resend", "--id", str(2**63)), "odobot notices: Invalid value for '--id'"),
    (("notices", "--resend", "--since", "9999"), "odobot notices: --since must be a time"),
    (("notices", "--resend", "--reason", "\udcff"), "odobot notices: --reason holds characters"),
    (("incidents", "update", str(2**31)), "odobot incidents update: Invalid value for 'number'"),
    (("portal-check", "ftp://x", "--email", "a@b.test"), "odobot portal-check: expected https://host"),
    (("portal-check", "https://x.test", "--email", ""), "odobot portal-check: --email must be an email address"),
]


@pytest.mark.parametrize(("arguments", "line"), USAGE)
async def test_wrong_use_is_one_line_and_code_2(operator: Shell, arguments: tuple[str, ...], line: str) -> None:
    result = await operator.run(*arguments, portal_token="token-of-the-portal")
    assert (result.code, result.out) == (2, "")
    assert result.line.startswith(line)


async def test_no_command_shows_the_help(operator: Shell) -> None:
    result = await operator.run()
    assert result.code == 2
    assert "deliveries" in result.out + result.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_completion_is_offered_for_shells(operator: Shell, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typer finds the shell among the parents of the process, where a test may have none."""
    monkeypatch.setattr("shellingham.detect_shell", lambda: (shell, f"/bin/{shell}"))
    result = await operator.run("--show-completion")
    assert (result.code, result.err) == (0, "")
    assert "_ODOBOT_COMPLETE" in result.out


ODD = ["", " ", "\udcff", "\x1b[2J", "é" * 5000, "-", "--", "9" * 400, "a@b", "%d{}", "\u202e", "١٢"]
"""What a shell may pass on: nothing, a byte that is no UTF-8, an escape sequence, very long texts, other digits."""
OPEN = [
    ("unlink", "--email"), ("unlink", "--chat"), ("lift-cap", "--email"), ("stop-copy",), ("stop-copy", "--bounced"),
    ("notices", "--resend", "--reason"), ("notices", "--resend", "--since"), ("notices", "--resend", "--id"),
    ("deliveries", "--account"), ("deliveries", "--number"), ("deliveries", "--day"), ("deliveries", "--state"),
    ("deliveries", "--limit"), ("deliveries", "explain"), ("deliveries", "retry"), ("deliveries", "cancel"),
    ("customers", "find"), ("stats", "--days"), ("run", "--role"), ("incidents", "update"),
    ("incidents", "update", "1", "--known"), ("incidents", "export", "--format"), ("--env-file",),
    ("portal-check", "--email", "a@b.test"), ("portal-check", "http://127.0.0.1:9", "--email"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", OPEN, ids=" ".join)
async def test_odd_arguments_end_in_one_line(operator: Shell, arguments: tuple[str, ...]) -> None:
    """Never in a traceback, which would fail the test here; a number or a text that is none is wrong use."""
    for odd in ODD:
        command = (*arguments, odd, "stats") if arguments == ("--env-file",) else (*arguments, odd)
        result = await operator.run(*command)
        assert result.code in (0, 1, 2), (odd, result)
        assert len(result.err.splitlines()) <= 1, (odd, result)
        assert result.err.rstrip("\n").isprintable(), (odd, result)
