"""Typed texts and forged buttons, through Telegram: each gets an answer, in every state of the conversation."""

from typing import Any

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from handlers.actions import Action, Forget, Unlink
from handlers.commands import MENU
from handlers.telegram.callback_data import encode
from tests.fuzz.conftest import INTERNAL_ERROR, People
from tests.fuzz.values import ODD_TEXTS, in_scene
from tests.handlers.telegram.test_callback_data import ANY_ACTION
from tests.scene import CLIENT, Scene

COMMANDS = [f"/{name}" for entry in MENU for name in entry.names.values()]
WORDS = [
    "facture", "invoice", "commande", "no", "nº", "212380", "26387", "impayées", "2025", "octobre", "hier", "entre",
    "et", "500 $", "123456", "12 34 56", CLIENT, "oui", "annuler", "tout", "pdf", "relevé", "@", "/", "#",
]  # fmt: skip
ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=200)
"""Telegram sends no unpaired surrogate and no NUL."""
TEXTS = st.one_of(
    ANY_TEXT,
    st.lists(st.sampled_from(WORDS + COMMANDS), min_size=1, max_size=8).map(" ".join),
    st.builds("{} {}".format, st.sampled_from(COMMANDS), ANY_TEXT),
    st.sampled_from([text for text in ODD_TEXTS if "\ud800" not in text and "\x00" not in text]),
)
BEFORE = {"started": "", "linked": "", "email": "/lier", "code": CLIENT, "search": "/recherche"}
"""By state of the conversation: what a person types to get there."""
FOUND: list[tuple[str, str]] = []
"""What the generated tests found: state, text."""
DATA = st.text(max_size=64) | st.builds(
    "{}{}{}|{}".format, st.sampled_from("123"), st.characters(codec="ascii"), st.integers(0, 40), st.text(max_size=40)
)
FOUND_TAPS: list[str] = []


async def assert_text_is_answered(scene: Scene, people: People, state: str, text: str) -> None:
    person = await (people.started() if state in ("started", "email", "code") else people.linked())
    if BEFORE[state]:
        await scene.say(person, BEFORE[state])
    if not person.parsed(text)[0]:
        return  # a client cannot send it
    screen = await scene.say(person, text)
    assert screen.text or screen.file
    assert INTERNAL_ERROR not in screen.text


@pytest.mark.parametrize("state", BEFORE)
@in_scene(25)
@given(text=TEXTS)
async def test_any_text_is_answered(scene: Scene, people: People, state: str, text: str) -> None:
    await assert_text_is_answered(scene, people, state, text[:4_000])


@pytest.mark.parametrize(("state", "text"), FOUND)
async def test_found_text_is_answered(scene: Scene, people: People, state: str, text: str) -> None:
    await assert_text_is_answered(scene, people, state, text)


def _on_own_link(action: Action, link: int) -> Action:
    changed: Any = action
    return replace(changed, link=link) if hasattr(action, "link") else action


TAPS = st.one_of(
    DATA,
    ANY_ACTION.filter(lambda action: not isinstance(action, Forget | Unlink)).map(lambda action: encode(action) or ""),
    st.builds(
        _on_own_link, ANY_ACTION.filter(lambda each: not isinstance(each, Forget | Unlink)), st.integers(1, 2)
    ).map(lambda action: encode(action) or ""),
)
"""Nothing of what they draw forgets or unlinks the person: the later examples need the links."""


@in_scene(60)
@given(data=TAPS)
async def test_any_button_is_answered(scene: Scene, people: People, data: str) -> None:
    person = await people.linked()
    data = data.encode("utf-8", "replace")[:64].decode("utf-8", "ignore")
    await person.wait_for_answer(person.forge_tap(person.screen(), data))


@pytest.mark.parametrize("data", FOUND_TAPS)
async def test_found_button_is_answered(scene: Scene, people: People, data: str) -> None:
    person = await people.linked()
    await person.wait_for_answer(person.forge_tap(person.screen(), data))
