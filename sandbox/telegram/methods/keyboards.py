"""Checks a reply markup beyond its types: one action per button, valid links and styles, number of buttons."""

from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.text.links import LinkError, check_link, mentioned_user_id

Markup = dict[str, Any]

MOST_BUTTONS = 100
ACTIONS = {
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
    "disabled",
}
STYLES = {"danger", "success", "primary"}
MAY_BE_EMPTY = {"switch_inline_query", "switch_inline_query_current_chat", "callback_game"}


def checked_markup(markup: Markup | None) -> Markup | None:
    """Return the inline keyboard as Telegram stores it.

    Returns:
        None when there is no inline keyboard.

    Raises:
        ApiError: 400, Telegram would refuse the keyboard.
    """
    if markup is None or "inline_keyboard" not in markup:
        return None  # reply keyboards and force_reply belong to the client: messages do not show them
    rows = [[_button(button) for button in row] for row in markup["inline_keyboard"]]
    rows = [row for row in rows if row]
    if sum(map(len, rows)) > MOST_BUTTONS:
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": rows} if rows else None


def _button(button: dict[str, Any]) -> dict[str, Any]:
    actions = [name for name in ACTIONS & button.keys() if button[name] != "" or name in MAY_BE_EMPTY]
    if not actions:
        raise bad_request("Can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise bad_request(
            f"Can't parse inline keyboard button: exactly one action is allowed, found {', '.join(sorted(actions))}"
        )
    if not button["text"].strip():
        raise bad_request("Inline keyboard button text must be non-empty")
    if button.get("style") and button["style"] not in STYLES:
        raise bad_request(f"Can't parse inline keyboard button: style must be one of {', '.join(sorted(STYLES))}")
    if actions == ["copy_text"] and not button["copy_text"]["text"].strip():
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    if actions == ["url"] and mentioned_user_id(button["url"]) is None:
        try:
            return {**button, "url": check_link(button["url"])}
        except LinkError as error:
            raise bad_request(f"Inline keyboard button URL '{button['url']}' is invalid: {error}") from None
    return button
