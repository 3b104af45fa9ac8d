"""The renderer: every text arrives unchanged, in one message that Telegram accepts."""

import pytest
from hypothesis import example, given, settings, strategies as st
from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from handlers.actions import ListOrders, ShowInvoice, ShowOrder, Start
from handlers.screens.screen import Button, Screen, Table, clip
from handlers.telegram.render import TEXT_LIMIT, Message, render
from sandbox.telegram.text.html_entities import Entity, parse_html, utf16_length
from sandbox.telegram.text.links import LinkError, check_link

MOST_BUTTONS = 100  # Telegram refuses the whole message beyond it: "reply markup is too long"
FLOODS = st.builds(
    lambda text, times: text * times, st.sampled_from(["&", "<b>", ">\"'", "🎉", "é", "a "]), st.integers(0, 1500)
)
TEXTS = st.text(max_size=30) | st.sampled_from(["<b>", "</b>", "&amp;", "&lt", "<a href='x'>", "<!--", "\n", "]]>"])


def parsed(message: Message) -> tuple[str, list[Entity]]:
    return parse_html(message.html)


def written(screen: Screen) -> str:
    """Return the whole screen as a person should read it."""
    head = [text for text in (screen.title, screen.position) if text]
    table: list[str] = []
    if screen.table:
        details = screen.table.details or ("",) * len(screen.table.rows)
        pairs = zip(screen.table.rows, details, strict=True)
        lines = [" · ".join(filter(None, row)) + (f"\n{detail}" if detail else "") for row, detail in pairs]
        table = ["\n\n".join(lines)] if screen.table.details else lines  # an empty line between rows of two lines
    blocks = [head, list(screen.facts), table, [screen.note] if screen.note else []]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def rows(message: Message) -> list[list[InlineKeyboardButton]]:
    """Return the keyboard's rows as Telegram reads them."""
    if not message.reply_markup:
        return []
    read = InlineKeyboardMarkup.de_json(message.reply_markup["reply_markup"], None)
    return [list(row) for row in read.inline_keyboard]


def buttons(message: Message) -> list[InlineKeyboardButton]:
    return [button for row in rows(message) for button in row]


def screens(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Screen]:
    rows = st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=5)
    tables = st.builds(
        lambda rows, detail, has: Table(tuple(rows), (detail,) * len(rows) if has else ()), rows, texts, st.booleans()
    )
    return st.builds(
        Screen,
        title=texts.filter(bool),
        position=texts,
        facts=st.lists(texts, max_size=5).map(tuple),
        table=st.none() | tables,
        note=texts,
    )


@settings(deadline=None)
@given(screens(TEXTS))
@example(Screen("<b>", facts=("&amp;", "</b>"), table=Table((("<i>", "", "x"),), ("&#60;",)), note="&lt;"))
@example(Screen("T", table=Table((("a",), ("b",), ("c",)), ("", "x", "")), note="n"))
def test_rendered_text_is_read_back_unchanged(screen: Screen) -> None:
    text, entities = parsed(render(screen))
    assert text == written(screen)
    assert entities == [{"type": "bold", "offset": 0, "length": utf16_length(screen.title)}]


@settings(deadline=None)
@given(screens(TEXTS | FLOODS))
@example(Screen("🎉" * 5000))
@example(Screen("&" * 5000))
@example(Screen("x", facts=("<" * 4093,)))
@example(Screen("x", facts=("y" * 4090, "z")))
@example(Screen("x", facts=("🎉" * 2046,)))
@example(Screen("x", facts=("",) * 5000))
@example(Screen(facts=("a" * 5000,)))
@example(Screen("T", table=Table((("&<>" * 500,),) * 10)))
def test_screen_is_one_valid_message_cut_at_a_line_end(screen: Screen) -> None:
    """Telegram accepts each screen as one message; a long one is cut at the end of a line."""
    message = render(screen)
    text, _ = parsed(message)
    assert len(text) <= TEXT_LIMIT == 4096
    assert len(message.html.encode()) <= 1 << 15
    whole = written(screen)
    if text != whole:
        assert utf16_length(whole) > TEXT_LIMIT - 2
        kept = text.removesuffix("…").removesuffix("\n")
        assert text.endswith("…")
        assert whole.startswith(kept)


@settings(deadline=None)
@given(st.integers(4080, 4110), st.sampled_from(["a", "é", "🎉", "&"]))
def test_text_that_fits_is_not_cut(length: int, letter: str) -> None:
    screen = Screen("t", facts=(letter * (length // utf16_length(letter)),))
    text, _ = parsed(render(screen))
    if utf16_length(written(screen)) <= TEXT_LIMIT - 2:
        assert text == written(screen)


def test_empty_parts_add_no_empty_lines() -> None:
    assert render(Screen("T", note="n")).html == "<b>T</b>\n\nn"
    assert render(Screen(facts=("a", "", "b"))).html == "a\n\nb"
    assert render(Screen("T", "1 à 5", table=Table((("a", "", "b"),)))).html == "<b>T</b>\n1 à 5\n\na · b"
    assert render(Screen(facts=("a",))).reply_markup == {}


@settings(deadline=None)
@given(st.text(st.characters(), max_size=200))
@example("")
@example("   ")
@example("\u202e")
@example("\ud800")
@example("\n\n")
@example("שלום" * 30)
@example("🎉" * 100)
def test_label_is_short_one_line_and_not_blank(label: str) -> None:
    shown = buttons(render(Screen("t", keyboard=((Button(label, Start()),),))))
    # Telegram refuses a message with a blank label: it is replaced, or its button is dropped.
    for button in shown:
        assert button.text.strip()
        assert len(button.text) <= 60
        assert len(button.text.splitlines()) == 1
        button.text.encode()


@pytest.mark.parametrize("label", ["", " ", "\u202e", "\x00"])
def test_blank_label_keeps_the_other_buttons(label: str) -> None:
    keyboard = ((Button(label, Start()), Button("a", Start())), (Button(label, url="https://x.test"),))
    assert "a" in [button.text for button in buttons(render(Screen("t", keyboard=keyboard)))]
    assert all(button.text.strip() for button in buttons(render(Screen("t", keyboard=keyboard))))


@pytest.mark.parametrize(("text", "copied"), [("RF 18-42", "RF 18-42"), (" 7 ", "7"), (" ", None), ("9" * 257, None)])
def test_copied_text_is_within_telegrams_limit(text: str, copied: str | None) -> None:
    """A text that Telegram would refuse drops its button only."""
    keyboard = ((Button("a", copied_text=text, is_primary=True), Button("b", Start())),)
    shown = render(Screen("t", keyboard=keyboard)).buttons[0]
    expected = [{"text": "a", "style": "primary", "copy_text": {"text": copied}}] if copied else []
    assert shown[:-1] == expected
    assert shown[-1]["text"] == "b"


ADDRESSES = [
    "https://portal.odotrack.test/factures/1?x=1&y=2#z",
    "http://portal.odotrack.test",
    "HTTPS://PORTAL.TEST",
    "https://é.example/ü",
    "http://127.0.0.1:8080/",
    "https://portal.test:8443/",
    "",
    "portal.test",
    "//portal.test",
    "/factures/1",
    "https://",
    "https:///path",
    "https://localhost/",
    "https://a b.test/",
    "https://portal.test/a b",
    "javascript:alert(1)",
    "data:text/html,x",
    "tg://user?id=5",
    "ftp://portal.test",
    "mailto:a@b.test",
    "http://[",
    "http://[x]/",
    "https://[::1",
    "https://portal.test:99999/",
    "https://portal.test:0/",
    "https://portal.test:/",
    "https://portal.test:x/",
    "https://portal.test@",
    "\x01https://portal.test/",
    " https://portal.test/",
    "https://portal.test\r/",
    "https://portal.test\x00/",
    "https://portal\u00a0.test/",
    "https://o'hara.test/",
    'https://portal".test/',
    "https://<portal>.test/",
    "https://portal.test\\@evil.test/",
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_invalid_url_drops_only_its_button(url: str) -> None:
    """A URL that Telegram would refuse drops its button, and the message is sent."""
    message = render(Screen("t", facts=("f",), keyboard=((Button("a", url=url), Button("b", Start())),)))
    assert parsed(message)[0] == "t\n\nf"
    assert "b" in [button.text for button in buttons(message)]
    for button in buttons(message):
        if button.url is not None:
            check_link(button.url)


@settings(deadline=None)
@given(
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["https://", "http://", "HTTPS://", "", "\x02https://"]),
        st.text("ab.é@:[]\\'\"<> \t\r\n\x00\u00a0-_", max_size=12),
        st.sampled_from([".test", ".test:8443", ".test:65536", ":", ""]),
        st.sampled_from(["", "/", "/é", "?q", "#f", "/\u202e"]),
    )
)
def test_any_portal_url_gives_a_valid_message(url: str) -> None:
    for button in buttons(render(Screen("t", keyboard=((Button("a", url=url),),)))):
        try:
            check_link(button.url or "")
        except LinkError as error:
            pytest.fail(f"{button.url!r}: {error}")


@pytest.mark.parametrize("url", ADDRESSES[:6])
def test_public_url_is_kept(url: str) -> None:
    assert [button.url for button in buttons(render(Screen("t", keyboard=((Button("a", url=url),),))))] == [url]


def test_oversized_action_drops_its_button_and_an_empty_row() -> None:
    long = ShowInvoice(1, "9" * 60)
    shown = render(Screen("t", keyboard=((Button("long", long),), (Button("a", long), Button("b", Start())))))
    assert [[button.text for button in row] for row in rows(shown)] == [["b"]]
    assert render(Screen("t", keyboard=((Button("long", long),),))).reply_markup == {}


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(1, 8))
@example(101, 1)
@example(101, 8)
def test_keyboard_stays_within_telegrams_button_limit(count: int, width: int) -> None:
    row = tuple(Button(str(n), ShowOrder(1, str(n))) for n in range(width))
    keyboard = tuple(row for _ in range(-(-count // width)))
    shown = render(Screen("t", keyboard=keyboard))
    assert len(buttons(shown)) == min(len(keyboard) * width, len(buttons(shown)))
    assert 1 <= len(buttons(shown)) <= MOST_BUTTONS


def test_button_is_an_action_or_a_url() -> None:
    shown = buttons(
        render(
            Screen(
                "t", keyboard=((Button("a", ListOrders(1), url="https://x.test"), Button("b", url="https://x.test")),)
            )
        )
    )
    assert [(button.callback_data, button.url) for button in shown] == [("1o1|", None), (None, "https://x.test")]


@settings(deadline=None)
@given(st.text(), st.integers(1, 80))
def test_clip_keeps_the_limit_and_marks_the_cut(text: str, length: int) -> None:
    cut = clip(text, length)
    assert len(cut) <= length
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))
