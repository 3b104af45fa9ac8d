"""``odobot run`` and ``odobot check`` with the company's texts and features."""

from pathlib import Path

import pytest

from tests.bot.test_cli import Servers, Shell, findings, result_of, servers, shell

__all__ = ["servers", "shell"]

WRONG = 'msgid ""\nmsgstr ""\n\nmsgid "home.waht"\nmsgstr "x"\n\nmsgid "welcome.title"\nmsgstr "Bonjour"\n'
LINES = [
    "ODOBOT_TEXTS: fr_CA.po: home.waht: no message has this id",
    "ODOBOT_TEXTS: fr_CA.po: welcome.title: it lacks {company}",
]


def folder_with(shell: Shell, **files: str) -> str:
    folder = Path(shell.folder) / "texts"
    folder.mkdir()
    for name, content in files.items():
        (folder / f"{name}.po").write_text(content, "utf-8")
    return str(folder)


async def test_run_ends_with_a_line_for_each_problem(servers: Servers, shell: Shell) -> None:
    texts = folder_with(shell, fr_CA=WRONG)
    async with shell.process("run", log_level="CRITICAL", texts=texts) as process:
        result = await result_of(process)
    assert (result.code, result.out, result.err.splitlines()) == (1, "", LINES)


async def test_check_names_each_problem_and_checks_the_rest(servers: Servers, shell: Shell) -> None:
    result = await shell.run("check", texts=folder_with(shell, fr_CA=WRONG))
    lines = result.out.splitlines()
    assert [line for line in lines if line.startswith("FAIL")] == [f"FAIL  {line}" for line in LINES]
    assert any(line.startswith("ok    ODOBOT_SMTP_URL") for line in lines)
    assert result.code == 1


async def test_check_names_what_an_added_language_lacks(servers: Servers, shell: Shell) -> None:
    texts = folder_with(shell, es_MX='msgid "language.name"\nmsgstr "Español"\n')
    result = await shell.run("check", texts=texts)
    (warned,) = [line for line in result.out.splitlines() if line.startswith("warn")]
    assert warned.startswith("warn  ODOBOT_TEXTS: es_MX.po lacks ")
    assert "messages, shown in Français: welcome.title, welcome.what, " in warned
    assert "catalogues: Français, English, Español" in result.out
    assert result.code == 0


async def test_check_knows_a_default_language_of_its_own(servers: Servers, shell: Shell) -> None:
    """A language of ``ODOBOT_TEXTS`` may be the default; one that has no catalogue there may not."""
    texts = folder_with(shell, es_MX='msgid "language.name"\nmsgstr "Español"\n')
    assert (await shell.run("check", texts=texts, default_language="es")).code == 0
    result = await shell.run("check", texts=texts, default_language="pt")
    assert "FAIL  ODOBOT_DEFAULT_LANGUAGE: ODOBOT_TEXTS has no catalogue of pt" in result.out
    assert result.code == 1
    assert findings(await shell.run("check"))["catalogues"]


@pytest.mark.parametrize("features", ["-fleet", "orders,fleet", "-Fleet , -search"])
async def test_unknown_feature_is_one_line(servers: Servers, shell: Shell, features: str) -> None:
    result = await shell.run("check", features=features)
    assert result.code == 1
    assert result.line.startswith("ODOBOT_FEATURES: expected names of orders, balance, ")
    assert result.line.endswith("not 'fleet'")
