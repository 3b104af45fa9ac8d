"""Methods that deliver updates or look something up: getUpdates, webhooks, files, chats, members."""

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

from sandbox.telegram.errors import POLLING_WHILE_WEBHOOK, ApiError, bad_request
from sandbox.telegram.methods.call import Call, Described, method

WEBHOOK_PORTS = {443, 80, 88, 8443}
SECRET = re.compile(r"[A-Za-z0-9_\-]*")
SECRET_LENGTH = 256


@method("getMe")
async def get_me(call: Call) -> object:
    """Return the bot itself."""
    return call.bot.me()


@method("getUpdates")
async def get_updates(call: Call) -> object:
    """Return updates from `offset` on, at once or within `timeout` seconds. Earlier updates are confirmed."""
    bot = call.bot
    if bot.webhook.url:
        raise ApiError(409, POLLING_WHILE_WEBHOOK)
    bot.updates.allow(call.get("allowed_updates"), update_kinds(call))
    limit = max(1, min(100, call.get("limit", 100)))
    timeout = max(0, min(call.world.settings.long_poll_seconds, call.get("timeout", 0)))
    return await bot.updates.poll(call.get("offset", 0), limit, timeout)


def update_kinds(call: Call) -> set[str]:
    """Return all kinds of updates that the Bot API has."""
    return call.world.spec.update_kinds


@method("setWebhook")
async def set_webhook(call: Call) -> object:
    """Set the webhook. An empty URL removes it."""
    url: str = call.get("url", "")
    if not url:
        return await delete_webhook(call)
    secret: str = call.get("secret_token", "")
    _check_url(url)
    if len(secret) > SECRET_LENGTH:
        raise bad_request("secret token is too long")
    if not SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    bot = call.bot
    if call.get("drop_pending_updates"):
        bot.updates.clear()
    bot.updates.allow(call.get("allowed_updates"), update_kinds(call))
    most = max(1, min(100, call.get("max_connections", 40)))
    ip_address = call.get("ip_address", "")
    webhook = bot.webhook
    if (webhook.url, webhook.secret, webhook.max_connections, webhook.ip_address) == (url, secret, most, ip_address):
        return Described(True, "Webhook is already set")
    bot.updates.end_poll_for_webhook()
    await webhook.set(url, secret, most, ip_address)
    return Described(True, "Webhook was set")


def _check_url(url: str) -> None:
    """Accept HTTPS on Telegram's ports, and any URL on loopback. The sandbox delivers only to loopback.

    Raises:
        ApiError: 400, Telegram would refuse the URL, or it is not on loopback.
    """
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host, port = parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        raise bad_request("invalid webhook URL specified") from None
    if parts.scheme not in ("http", "https") or not host:
        raise bad_request("invalid webhook URL specified")
    if _is_loopback(host):
        return
    if parts.scheme == "http":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if port not in WEBHOOK_PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    raise bad_request("bad webhook: Failed to resolve host: Name or service not known")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@method("deleteWebhook")
async def delete_webhook(call: Call) -> object:
    """Remove the webhook, so that getUpdates works again."""
    was_set = bool(call.bot.webhook.url)
    if call.get("drop_pending_updates"):
        call.bot.updates.clear()
    await call.bot.webhook.close()
    return Described(True, "Webhook was deleted" if was_set else "Webhook is already deleted")


@method("getWebhookInfo")
async def get_webhook_info(call: Call) -> object:
    """Return the webhook's URL, the number of queued updates and the last error."""
    return call.bot.webhook.info()


@method("getFile")
async def get_file(call: Call) -> object:
    """Return the download path of a file of up to 20 MB."""
    file = call.world.files.find(call.values["file_id"], call.bot.bot_id)
    if file.size > call.world.settings.download_bytes:
        raise bad_request("file is too big")
    return {**file.json(call.values["file_id"]), "file_path": file.path}


@method("getChat")
async def get_chat(call: Call) -> object:
    """Return the Bot API's ChatFullInfo."""
    chat = call.find_chat(call.values["chat_id"])
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    full: dict[str, Any] = {
        **chat.json(),
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }
    pinned = [message for message in chat.visible if message.pinned]
    if pinned:
        full["pinned_message"] = pinned[-1].payload(with_reply=False)
    return full


@method("getChatMember")
async def get_chat_member(call: Call) -> object:
    """Return a user's membership of a chat. Only bots are administrators in the sandbox."""
    chat = call.find_chat(call.values["chat_id"])
    user_id: int = call.values["user_id"]
    if user_id == call.bot.bot_id:
        group = call.world.groups.get(chat.chat_id)
        return group.member(call.bot) if group else {"user": call.bot.user(), "status": "member"}
    person = call.world.persons.get(user_id)
    if person is None:
        raise bad_request("user not found" if chat.kind == "private" else "PARTICIPANT_ID_INVALID")
    group = call.world.groups.get(chat.chat_id)
    inside = person in group.members if group else chat.chat_id == user_id
    return {"user": person.user(), "status": "member" if inside else "left"}
