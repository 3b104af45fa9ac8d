"""Ownership as a property: one customer taps, types or forges anything, and gets no data of another customer.

Run for each portal through the real bot. Facts of the other customer are looked for in everything that the bot sent to
the chat; numbers that were asked for may be repeated back to who typed them, so they are looked for in documents only.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from io import BytesIO
from pathlib import PurePath
from types import NoneType
from typing import Any, get_args, get_type_hints
from zipfile import ZipFile

from hypothesis import HealthCheck, given, settings, strategies as st
from msgspec import NODEFAULT
from msgspec.structs import fields
from pypdf import PdfReader

from handlers import actions
from handlers.actions import Action, ChooseLanguage, Forget, Unlink, letter_of
from handlers.telegram.callback_data import VERSION, encode
from sandbox.telegram.persons import Person
from tests.scene import Scene
from texts.catalogue import texts_in
from texts.language import Language

STEPS = 5
# After these the chat is another one: no link is left, or other words are waited for.
_ENDINGS = (Unlink, Forget, ChooseLanguage)
_ENDS = tuple(VERSION + letter_of(kind) for kind in _ENDINGS)


@dataclass(frozen=True, slots=True)
class Two:
    """The customer who tries, the customer who owns, and the words that no text or document may hold."""

    tries: str
    owns: str
    numbers: tuple[str, ...]
    secrets: tuple[str, ...]
    in_documents: tuple[str, ...]


Step = tuple[str, Any]


def hold(two: Two, make_scene: Callable[[], Scene], examples: int) -> None:
    """Check the property over ``examples`` sequences, in one scene."""
    with asyncio.Runner() as runner:
        scene = runner.run(make_scene().__aenter__())
        try:
            owner = runner.run(scene.linked("fr", two.owns, first_name="Olive"))
            thief = runner.run(scene.linked("fr", two.tries, first_name="Théo"))
            seen = thief.chat().last_change
            runner.run(_check_owner_sees(scene, owner, two))

            @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(st.lists(steps(two), min_size=1, max_size=STEPS))
            def nothing_leaks(sequence: list[Step]) -> None:
                runner.run(_play(thief, sequence))
                _nothing_of(thief, two, seen)

            nothing_leaks()
            _nothing_of(thief, two, seen)
        finally:
            runner.run(scene.__aexit__(None, None, None))


async def _check_owner_sees(scene: Scene, owner: Person, two: Two) -> None:
    """Check that the owner sees the forbidden words; else the test could not fail."""
    texts = [(await scene.say(owner, words)).text for words in ("/factures", "/commandes", *two.numbers)]
    for secret in two.secrets:
        assert any(secret in text for text in texts), f"the owner is not shown {secret!r} either"


def steps(two: Two) -> st.SearchStrategy[Step]:
    """Generate a step that a person or a forging client can take."""
    numbers = st.sampled_from([*two.numbers, "1", "0", "%", "_", "", "' OR 1=1 --", "../invoices", "*"])
    ids = st.one_of(st.integers(0, 6), st.integers(-(2**40), 2**40))
    typed = st.one_of(
        numbers,
        numbers.map(lambda number: f"nº {number}"),
        numbers.map(lambda number: f"facture {number}"),
        st.sampled_from(["/factures", "/commandes", "/compte", "/mesdonnees", "/start", "/portail", two.owns]),
    )
    return st.one_of(
        st.tuples(st.just("say"), typed.filter(str.strip)),
        st.tuples(st.just("tap"), st.integers(0, 30)),
        st.tuples(st.just("forge"), _actions(ids, numbers).map(encode).filter(bool)),
        st.tuples(st.just("forge"), _raw(numbers)),
    )


def _raw(numbers: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Generate callback data that no button carries."""
    letters = st.sampled_from("oOiIdnsawAHr")
    pieces = st.lists(st.one_of(numbers, st.sampled_from(["1", "2", "-1", "zz", "1i", "||", "\\p"])), max_size=4)
    forged = st.tuples(letters, pieces).map(lambda made: VERSION + made[0] + "".join(f"{each}|" for each in made[1]))
    return forged.filter(lambda data: len(data.encode()) <= 64)


def _actions(ids: st.SearchStrategy[int], numbers: st.SearchStrategy[str]) -> st.SearchStrategy[Action]:
    """Generate actions of buttons, with forged fields."""
    kinds = [kind for kind in vars(actions).values() if isinstance(kind, type) and issubclass(kind, Action)]
    lettered = [kind for kind in kinds if letter_of(kind) and kind not in _ENDINGS]
    return st.one_of([st.builds(kind, **_fields(kind, ids, numbers)) for kind in lettered])


def _fields(
    kind: type[Action], ids: st.SearchStrategy[int], numbers: st.SearchStrategy[str]
) -> dict[str, st.SearchStrategy[Any]]:
    hints = get_type_hints(kind)
    made: dict[str, st.SearchStrategy[Any]] = {}
    for field in fields(kind):
        options = [option for option in (get_args(hints[field.name]) or (hints[field.name],)) if option is not NoneType]
        strategy: st.SearchStrategy[Any]
        if options[0] is bool:
            strategy = st.booleans()
        elif options[0] is int:
            strategy = ids
        elif issubclass(options[0], Enum):
            strategy = st.sampled_from(list(options[0]))
        else:
            strategy = numbers
        made[field.name] = strategy if field.default is NODEFAULT else st.one_of(st.just(field.default), strategy)
    return made


async def _play(thief: Person, sequence: list[Step]) -> None:
    for kind, what in sequence:
        buttons = [each for message in thief.chat().visible for row in message.buttons for each in row]
        tappable = [data for each in buttons if (data := each.callback_data) and not data.startswith(_ENDS)]
        match kind:
            case "say":
                thief.say(what)
            case "tap" if tappable:
                thief.forge_tap(thief.screen(), tappable[-1 - what % len(tappable)])
            case "forge":
                thief.forge_tap(thief.screen(), what)
    # One chat's updates are handled in order: what was asked before is done once this is answered.
    thief.say("/aide")
    await thief.wait_for_message(texts_in(Language.FR)("help.title"), new=True, timeout=20.0)


def _nothing_of(thief: Person, two: Two, since: int) -> None:
    for change in thief.chat().since(since):
        message = change.message
        if message is None or not message.from_bot:
            continue
        shown = message.text + json.dumps(message.reply_markup or {}, ensure_ascii=False)
        assert not [secret for secret in two.secrets if secret in shown], message.text
        if message.file is not None:
            text = _text_of(message.file.name, message.file.content)
            assert not [secret for secret in two.in_documents if secret in text], message.file.name


def _text_of(name: str, content: bytes) -> str:
    """Return the text of an invoice, of each file of a pack, of a calendar or of an export."""
    match PurePath(name).suffix:
        case ".pdf":
            return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
        case ".zip":
            with ZipFile(BytesIO(content)) as pack:
                return "\n".join(_text_of(each, pack.read(each)) for each in pack.namelist())
        case ".csv" | ".ics" | ".json":
            return content.decode()
        case other:
            raise AssertionError(f"a file of kind {other!r}, which this test cannot read")
