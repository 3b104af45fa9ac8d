"""Linked accounts: choosing one, listing and removing other chats, unlinking, also by the operator."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import cli
from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from tests.scene import CLIENT, Scene

FLEET = "flotte@example.test"
NOT_LINKED = {"fr": "pas encore liée", "en": "not linked"}
COMMANDS = {
    "fr": ("/compte", "/commandes", "/factures", "/delier", "Oui", "Non", "Retirer"),
    "en": ("/account", "/orders", "/invoices", "/unlink", "Yes", "No", "Remove"),
}


async def two_linked(scene: Scene, language: str = "fr") -> tuple[Person, Person]:
    """Camille and Aline, linked through the same address."""
    camille = await scene.linked(language)
    scene.later(minutes=2)
    aline = await scene.linked(language, first_name="Aline")
    return camille, aline


async def sees_no_data(scene: Scene, person: Person, *commands: str) -> bool:
    """Return whether no command, number or earlier button gives this person data."""
    old = [message for message in person.chat().visible if message.from_bot and message.buttons]
    buttons = [(m, button.callback_data) for m in old for row in m.buttons for button in row if button.callback_data]
    seen = [(await scene.say(person, text)).text for text in (*commands, "212380", "26387")]
    seen += [await forged(scene, person, message, data) for message, data in buttons]
    return not any(word in text for text in seen for word in ("293,08", "293.08", "Plan Pro", "2020-09-28"))


async def forged(scene: Scene, person: Person, message: Message, data: str) -> str:
    """Tap a button that a message may no longer have. Returns the answer's text, which may be the message's own."""
    log, since = scene.telegram.world.log, scene.telegram.world.log.count
    person.forge_tap(message, data)
    answers = ("editMessageText", "sendMessage")  # below a notice the answer is a message of its own
    assert await log.changed.until(lambda: any(log.find(method=each, since=since) for each in answers) or None, 5.0)
    return f"{message.text}\n{person.screen().text}"


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_chosen_account_is_stored(scene: Scene, language: str) -> None:
    account, orders, invoices, *_ = COMMANDS[language]
    camille = await scene.linked(language)

    accounts = await scene.say(camille, account)
    assert accounts.text.splitlines()[2].startswith("● Client Odotrack (")
    assert accounts.labels[0] == "Client Odotrack 2016"
    await scene.tap(camille, "Client Odotrack 2016")
    assert "39654" in (await scene.say(camille, invoices)).text
    assert "Client Odotrack 2016" in (await scene.say(camille, orders)).text
    await scene.settled()
    assert (await scene.say(camille, account)).text.splitlines()[2].startswith("● Client Odotrack 2016 (")


async def test_button_keeps_its_account(scene: Scene) -> None:
    camille = await scene.linked()
    old = await scene.say(camille, "/factures")
    await scene.say(camille, "/compte")
    await scene.tap(camille, "Client Odotrack 2016")

    camille.tap("212380", message=old)

    assert "293,08" in (await camille.wait_for_message("212380")).text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_other_chat_is_listed_and_removed(scene: Scene, language: str) -> None:
    account, orders, invoices, _, yes, no, remove = COMMANDS[language]
    camille, aline = await two_linked(scene, language)

    accounts = await scene.say(camille, account)
    assert "Aline" in accounts.text
    assert "15" in accounts.text
    question = await scene.tap(camille, f"{remove} Aline")
    assert "Aline" in question.text
    assert [label.split(",")[0] for label in question.labels] == [yes, no]
    assert "Aline" in (await scene.tap(camille, no)).text
    await scene.tap(camille, f"{remove} Aline")
    aline.acts_in(aline.chat())
    after = await scene.tap(camille, yes)
    assert "Aline" not in after.text
    told = await aline.wait_for_message("Odotrack")
    assert told.labels

    assert await sees_no_data(scene, aline, account, orders, invoices)
    said = (await scene.say(aline, orders)).text  # a forged tap may have changed the language
    assert any(words in said for words in NOT_LINKED.values())
    assert "26387" in (await scene.say(camille, orders)).text
    assert not scene.telegram.world.log.lint


async def test_only_shared_accounts_are_removed(scene: Scene) -> None:
    camille, aline = await two_linked(scene)
    scene.later(minutes=2)
    await scene.say(aline, "/lier")
    await scene.say(aline, FLEET)
    await scene.say(aline, await scene.code(FLEET))
    await scene.tap(aline, "Non")
    await scene.say(camille, "/compte")
    await scene.tap(camille, "Retirer Aline")
    await scene.tap(camille, "Oui")
    await aline.wait_for_message("retirée")

    accounts = await scene.say(aline, "/compte")

    assert "Transport Boréal inc." in accounts.text
    assert "Client Odotrack" not in accounts.text


async def test_removed_or_unshared_chat_cannot_be_removed(scene: Scene) -> None:
    camille = await scene.linked()
    stranger = await scene.linked(email=FLEET, first_name="Aline")
    screen = await scene.say(camille, "/compte")

    answer = await forged(scene, camille, screen, f"1r{_base36(stranger.user_id)}|1|")

    assert "Client Odotrack" in answer
    assert "Transport Boréal" in (await scene.say(stranger, "/factures")).text


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return (_base36(number // 36) if number >= 36 else "") + digits[number % 36]


async def test_chat_that_blocked_the_bot_can_be_removed(scene: Scene) -> None:
    camille, aline = await two_linked(scene)
    aline.block()
    await scene.say(camille, "/compte")
    await scene.tap(camille, "Retirer Aline")

    assert "Aline" not in (await scene.tap(camille, "Oui")).text
    await scene.settled()
    aline.unblock()
    assert "pas encore liée" in (await scene.say(aline, "/factures")).text


async def test_removed_chat_is_notified_in_its_language(scene: Scene) -> None:
    camille = await scene.linked("fr")
    scene.later(minutes=2)
    bob = await scene.linked("en", first_name="Bob")
    await scene.say(camille, "/compte")
    await scene.tap(camille, "Retirer Bob")
    bob.acts_in(bob.chat())
    await scene.tap(camille, "Oui")

    assert "This conversation was removed" in (await bob.wait_for_message()).text


async def test_removal_question_elides_de_before_a_vowel(scene: Scene) -> None:
    camille, _ = await two_linked(scene)
    await scene.say(camille, "/compte")

    assert "de Aline" not in (await scene.tap(camille, "Retirer Aline")).text


async def test_first_name_in_the_list_is_text(scene: Scene) -> None:
    camille = await scene.linked()
    scene.later(minutes=2)
    await scene.linked(first_name="<b>x</b>\u202e & évil\nCompte : 1")

    accounts = await scene.say(camille, "/compte")

    assert "<b>x</b> & évil Compte : 1, depuis" in accounts.text
    assert "\u202e" not in accounts.text


async def test_days_use_the_companys_time_zone(scene: Scene) -> None:
    scene.later(hours=9)  # 23 h in Québec, already the 16th in UTC
    camille, _ = await two_linked(scene)

    assert "15 octobre 2026" in (await scene.say(camille, "/compte")).text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_unlinking_asks_first_and_deletes_everything(scene: Scene, language: str) -> None:
    account, orders, invoices, unlink, yes, no, _ = COMMANDS[language]
    camille = await scene.linked(language)
    await scene.say(camille, orders)
    await scene.say(camille, invoices)

    question = await scene.say(camille, unlink)
    assert "Client Odotrack 2016" in question.text
    assert [label.split(",")[0] for label in question.labels] == [yes, no]
    assert "Client Odotrack" in (await scene.tap(camille, no)).text
    assert "26387" in (await scene.say(camille, orders)).text
    await scene.say(camille, unlink)
    done = await scene.tap(camille, yes)
    assert done.labels

    assert await sees_no_data(scene, camille, account, orders, invoices)
    said = (await scene.say(camille, unlink)).text  # a forged tap may have changed the language
    assert any(words in said for words in NOT_LINKED.values())


async def test_account_removed_by_the_portal_is_explained(scene: Scene) -> None:
    camille = await scene.linked()
    # The portal reports nothing: the conversations about notices test the event.
    scene.portal.portal.people.change_contact("c-1001", access={"a-2002": ["orders", "invoices"]}, reports=False)

    gone = await scene.say(camille, "/factures")

    assert "Client Odotrack" in gone.text
    assert "26387" not in gone.text
    assert gone.labels
    await scene.say(camille, "/compte")
    await scene.tap(camille, "2016")
    assert "39654" in (await scene.say(camille, "/factures")).text


async def test_accounts_are_shown_during_a_portal_outage(scene: Scene) -> None:
    camille = await scene.linked()
    scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE))

    assert "Client Odotrack 2016" in (await scene.say(camille, "/compte")).text


async def operator(scene: Scene, folder: Path, *arguments: str) -> tuple[int, str]:
    """Run ``odobot`` beside the running bot. Returns the exit status and the output."""
    settings = scene.settings
    told = {
        "COMPANY": settings.company,
        "TELEGRAM_TOKEN": settings.telegram_token.get_secret_value(),
        "TELEGRAM_API_URL": settings.telegram_api_url,
        "PORTAL_URL": settings.portal_url,
        "PORTAL_TOKEN": settings.portal_token.get_secret_value(),
        "DATABASE_URL": settings.database_url,
        "SMTP_URL": settings.smtp_url.get_secret_value(),
        "MAIL_FROM": settings.mail_from,
        "SECRET_KEYS": scene.keys,
    }
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("odobot"), *arguments,
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3]), "COLUMNS": "200"}
        | {f"ODOBOT_{name}": value for name, value in told.items()},
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_operator_unlinks_an_address_in_every_chat(scene: Scene, tmp_path: Path) -> None:
    camille, aline = await two_linked(scene)
    fleet = await scene.linked(email=FLEET)

    status, printed = await operator(scene, tmp_path, "unlink", "--email", "Client@EXAMPLE.test")
    assert status == 0
    assert printed.endswith("Links removed: 4\n")
    assert '"event": "security.unlinked"' in printed

    assert await sees_no_data(scene, camille, "/commandes", "/factures")
    assert await sees_no_data(scene, aline, "/commandes", "/factures")
    assert "Transport Boréal" in (await scene.say(fleet, "/factures")).text


async def test_operator_unlinks_one_chat(scene: Scene, tmp_path: Path) -> None:
    camille, aline = await two_linked(scene)

    first, second = await asyncio.gather(
        operator(scene, tmp_path, "unlink", "--chat", str(camille.user_id)),
        operator(scene, tmp_path, "unlink", "--email", "nobody@example.test"),
    )

    assert (first[0], first[1].splitlines()[-1]) == (0, "Links removed: 2")
    assert (second[0], second[1].splitlines()[-1]) == (1, "Links removed: 0")

    assert "pas encore liée" in (await scene.say(camille, "/factures")).text
    assert "212380" in (await scene.say(aline, "/factures")).text


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--email", CLIENT, "--chat", "50001"],
        ["--email", "client"],
        ["--email", ""],
        ["--chat", "camille"],
        ["--chat", "0"],
        ["--nobody"],
    ],
    ids=" ".join,
)
def test_unlink_command_names_its_arguments(arguments: list[str]) -> None:
    run = CliRunner().invoke(cli, ["unlink", *arguments])

    assert run.exit_code
    assert isinstance(run.exception, SystemExit)
    assert "--email" in run.output or "--chat" in run.output or "--nobody" in run.output
    assert CLIENT not in run.output
