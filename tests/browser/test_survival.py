"""The page under reloads, two tabs, a thousand messages, hostile texts and other websites."""

import re

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.visit import Visit

EVIL = '<img src=x onerror="document.title=1"><b>&amp;'


async def test_reload_keeps_the_conversation(visit: Visit) -> None:
    person = await visit.newcomer("Noé", "fr")
    await visit.start()
    await visit.tap("Lier mon compte")
    await visit.say("client000000@example.test")
    await visit.sees("client000000@example.test")
    await visit.newcomer("Somebody else", "en")
    await visit.tab.locator(f"#person-{person.user_id}").click()
    await visit.pane("faults")
    await visit.tab.reload()
    await visit.sees("client000000@example.test")
    await expect(visit.tab.locator("body")).to_have_attribute("data-pane", "faults")
    letter = visit.tab.locator(".letter").filter(has_text="client000000@example.test").first
    await letter.locator("[data-type]").click()
    await visit.tab.locator("#send").click()
    await expect(visit.tab.locator(".key").filter(has_text="Non").last).to_be_visible()


async def test_blank_lines_and_spaces_are_shown(visit: Visit) -> None:
    await visit.newcomer("Vide", "fr")
    await visit.start()
    world, chat = visit.stage.telegram.world, visit.person.chat()
    written = "un\n\n\n  deux   trois\n\n\nquatre 😀 cinq"
    bold = {"type": "bold", "offset": written.index("quatre"), "length": len("quatre 😀") + 1}
    world.post(chat, world.bot().user(), text=written, entities=[bold])
    await visit.sees("deux")
    assert await visit.last.locator(".text").text_content() == written
    assert await visit.last.locator(".text b").text_content() == "quatre 😀"
    await visit.tab.reload()
    await visit.sees("deux")
    assert await visit.last.locator(".text").text_content() == written


async def test_two_tabs_show_the_same_state(visit: Visit) -> None:
    person = await visit.newcomer("Ugo", "fr")
    other = await visit.context.new_page()
    visit.watch(other)
    await other.goto(f"{visit.stage.page_url}?person={person.user_id}")
    await visit.start()
    await expect(other.locator(".message.theirs")).to_have_count(1)
    await other.locator(".key").filter(has_text="Lier mon compte").click()
    await visit.sees("courriel")
    await expect(other.locator(".message.theirs")).to_contain_text("courriel")
    await visit.newcomer("Ana", "fr")
    await expect(other.locator("#people")).to_contain_text("Ana")
    await other.locator("#text").fill("/aide")
    await other.locator("#text").press("Enter")
    await expect(other.locator(".message.theirs")).to_have_count(2)
    await other.close()
    person.say("/aide")
    await expect(visit.tab.locator(f"#person-{person.user_id} .badge")).to_contain_text("1")


async def test_thousand_messages_are_shown(visit: Visit) -> None:
    person = await visit.newcomer("Mille", "fr")
    await visit.start()
    world, chat = visit.stage.telegram.world, person.chat()
    keys = {"inline_keyboard": [[{"text": f"nº {each}", "callback_data": "x"} for each in range(5)]] * 2}
    for number in range(1000):
        world.post(chat, world.bot().user(), text=f"Message {number}", reply_markup=keys)
    await visit.sees("Message 999")

    await visit.tab.reload()
    await visit.sees("Message 999")
    await expect(visit.last).to_be_in_viewport()
    painted = await visit.tab.evaluate(
        "performance.getEntriesByType('paint').find((each) => each.name === 'first-contentful-paint').startTime"
    )
    assert painted < 5000  # milliseconds, on a busy machine
    assert await visit.tab.locator(".message").count() == 100
    await visit.tab.locator(".earlier").click()
    await expect(visit.tab.locator(".message")).to_have_count(200)
    await expect(visit.tab.locator(f"#log-{person.user_id}")).to_contain_text("Message 800")
    world.post(chat, world.bot().user(), text="Message 1000")
    await visit.sees("Message 1000")


async def test_html_is_shown_as_text_in_every_field(visit: Visit) -> None:
    person = await visit.newcomer(EVIL, "fr")
    await visit.start()
    await visit.say(EVIL)
    await expect(visit.tab.locator(".message.ours .text").last).to_have_text(EVIL)
    await visit.has_answered(2)
    world, chat = visit.stage.telegram.world, person.chat()
    person.send_document(f"{EVIL}.pdf", b"<script>1</script>", caption=EVIL)
    await expect(visit.tab.locator(".message.ours .file b").last).to_contain_text("<b>&amp;.pdf")
    await visit.has_answered(3)
    # A person's client cannot send these; a bot can.
    keyboard = {
        "inline_keyboard": [[{"text": EVIL, "callback_data": "x"}, {"text": "y", "url": "javascript:alert(1)"}]]
    }
    link = {"type": "text_link", "offset": 0, "length": 4, "url": 'https://a.test/"><b>'}
    world.post(chat, world.bot().user(), text=EVIL, entities=[link], reply_markup=keyboard)
    await expect(visit.last.locator(".text")).to_have_text(EVIL)
    await expect(visit.last.locator(".key").first).to_have_text(EVIL)
    await expect(visit.last.locator(".key").last).to_be_disabled()
    world.record(chat, "answer", query_id="1", answer={"text": EVIL, "show_alert": False, "url": ""})
    await expect(visit.tab.locator(".toast").last).to_have_text(EVIL)
    await visit.pane("office")
    await visit.tab.locator("#account").select_option("a-2005")
    await expect(visit.tab.locator("#office .rows").nth(1)).to_contain_text("F/1&2 <3>")
    await expect(visit.tab.locator(f"#person-{person.user_id} .who")).to_have_text(EVIL)
    await visit.tab.reload()
    await expect(visit.last.locator(".text")).to_have_text(EVIL)
    assert await visit.tab.locator("img").count() == 0
    assert await visit.tab.title() == "Odobot, bac à sable"


async def test_html_of_a_mail_is_sandboxed(visit: Visit) -> None:
    await visit.newcomer("Lou", "fr")
    await visit.start()
    await visit.tap("Lier mon compte")
    await visit.say("client000001@example.test")
    letter = visit.tab.locator(".letter").filter(has_text="client000001@example.test").first
    await expect(letter).to_have_attribute("open", "")
    frame = letter.locator("iframe")
    assert await frame.get_attribute("sandbox") == ""
    code = await letter.locator(".code output").inner_text()
    await expect(frame.content_frame.locator("body")).to_contain_text(code)
    await letter.get_by_label("Texte").check()
    await expect(letter.locator("pre")).to_contain_text(code)
    answer = await visit.context.request.get(f"{visit.stage.page_url}{str(await frame.get_attribute('src'))[1:]}")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize(
    ("headers", "method", "status"),
    [
        ({"Host": "evil.test"}, "GET", 403),
        ({"Host": "evil.test", "Origin": "http://evil.test"}, "POST", 403),
        ({"Origin": "https://evil.test"}, "POST", 403),
        ({"Origin": "null"}, "POST", 403),
        ({}, "POST", 403),
        ({}, "GET", 200),
    ],
)
async def test_other_websites_are_refused(visit: Visit, headers: dict[str, str], method: str, status: int) -> None:
    people = len(visit.stage.telegram.world.persons)
    async with httpx.AsyncClient() as client:
        path = "people" if method == "POST" else ""
        answer = await client.request(method, f"{visit.stage.page_url}{path}", headers=headers)
    assert answer.status_code == status
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert len(visit.stage.telegram.world.persons) == people


async def test_tab_of_an_earlier_sandbox_is_asked_to_reload(visit: Visit) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{visit.stage.page_url}live?since=7&run=another&person=1")
    assert "event: reload" in answer.text


async def test_impossible_action_shows_an_error(visit: Visit) -> None:
    visit.expected = "409"
    person = await visit.newcomer("Max", "fr")
    await visit.start()
    person.block()
    await expect(visit.tab.locator("#restart")).to_be_visible()
    person.unblock()
    await expect(visit.tab.locator("#text")).to_be_visible()
    await visit.tab.evaluate(
        "htmx.ajax('POST', `/people/${document.querySelector('#chat').dataset.person}/unblock`, '#alerts')"
    )
    await expect(visit.tab.locator(".toast")).to_contain_text(re.compile("has not blocked|has already"))
