"""The staff's pane: a topic opens, an answer reaches the person, and either side ends it."""

import pytest
from playwright.async_api import expect

from tests.browser.visit import Visit

WORDS = {
    "fr": ("Parler à quelqu’un", "C’est transmis", "L’équipe a mis fin", "Fermer le sujet"),
    "en": ("Talk to a person", "It is relayed", "The team ended", "Close the topic"),
}


@pytest.mark.parametrize("language", WORDS)
async def test_person_and_staff_write_to_each_other(visit: Visit, language: str) -> None:
    talk, relayed, ended, close = WORDS[language]
    await visit.speak(language)
    await visit.newcomer("Zoé", language)
    await visit.start()
    await visit.say("/aide")
    await visit.tap(talk)
    await visit.say("Le code ne vient pas")
    await visit.sees(relayed)
    await visit.say("Allo?")
    await expect(visit.tab.locator(".ours .reaction").last).to_have_text("👌")
    await visit.pane("staff")
    topic = visit.tab.locator(".topic").first
    await expect(topic).to_contain_text("Le code ne vient pas")
    await expect(topic).not_to_contain_text("Zoé")
    await topic.locator("input[name=text]").fill("Regardez vos pourriels")
    await topic.locator("form button").click()
    await visit.sees("Regardez vos pourriels")
    await visit.sees("Marie")
    await expect(topic.locator("input[name=text]")).to_have_value("")
    await visit.picture(f"staff-{language}")
    await topic.get_by_role("button", name=close).click()
    await visit.sees(ended)
