"""The public page of the privacy policy."""

from html.parser import HTMLParser

import httpx
import pytest

from tests.scene import Scene

VOID = {"meta"}


class Outline(HTMLParser):
    """Reads a page, and fails on an element that is not closed in its place."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.headings: list[int] = []
        self.languages: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        assert len(values) == len(attrs)
        if tag not in VOID:
            assert "p" not in self.open or tag == "a", "a block in a paragraph"
            self.open.append(tag)
        if tag[0] == "h" and tag[1:].isdigit():
            self.headings.append(int(tag[1:]))
        self.languages += [values["lang"] or ""] if tag == "section" else []
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values["href"] or ""] if tag == "a" else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
async def page(scene: Scene) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        return await client.get(f"{scene.public_url}/privacy")


async def test_page_has_both_languages_french_first(page: httpx.Response) -> None:
    outline = Outline(page.text)

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.startswith('<!doctype html><html lang="fr-CA">')
    assert outline.languages == ["fr-CA", "en-CA"]
    assert outline.ids == ["fr", "en"]
    assert outline.links[:2] == ["#fr", "#en"]
    assert outline.headings == [1, 2, *[3] * 6, 2, *[3] * 6]
    assert outline.text.index("Odotrack est responsable") < outline.text.index("Odotrack is responsible")
    assert "27 novembre 2026" in outline.text
    assert "vieprivee@odotrack.test" in outline.text


async def test_page_has_no_script_and_may_be_cached(page: httpx.Response) -> None:
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "public, max-age=300"
    assert "x-robots-tag" not in page.headers


async def test_settings_are_escaped_in_the_page(scene: Scene) -> None:
    await scene.stop_bot()
    await scene.start_bot(company="A & <b>B", privacy_hosting='<script>"x"</script>')
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        page = (await client.get(f"{scene.public_url}/privacy")).text

    assert "<script" not in page
    assert "A & <b>B" in Outline(page).text


async def test_chat_shows_the_address_of_the_page(scene: Scene) -> None:
    person = scene.person()
    assert "/privacy" not in (await scene.say(person, "/confidentialite")).text.replace("telegram.org/privacy", "")
    await scene.stop_bot()
    await scene.start_bot(public_url="https://bot.odotrack.test")

    assert "https://bot.odotrack.test/privacy" in (await scene.say(person, "/confidentialite")).text
