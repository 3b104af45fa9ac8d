"""Settings of the simulated Telegram: rate limits, lifetimes, retry delays."""

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass
class Settings:
    """Telegram's values, except for rate limits, which are off by default."""

    per_chat_per_second: float | None = None  # Telegram: about 1
    per_group_per_minute: float | None = None  # Telegram: about 20
    overall_per_second: float | None = None  # Telegram: about 30, paid up to 1000
    callback_life_seconds: float = 15  # how long answerCallbackQuery is accepted; Telegram does not document it
    callback_wait_seconds: float = 150  # how long an unread callback query waits for the bot
    update_wait_seconds: float = 24 * 3600
    delete_within_seconds: float = 48 * 3600
    upload_bytes: int = 50 * MEBIBYTE
    download_bytes: int = 20 * MEBIBYTE
    long_poll_seconds: int = 50
    webhook_retry_base: float = 2.0  # seconds before the second retry; the first is immediate, later delays double
    webhook_retry_most: float = 60.0  # the longest delay is between this and twice this
    webhook_timeout: float = 60.0
    rich_messages: bool = True  # False: a server from before Bot API 10.1
    log_requests: int = 20_000  # calls in the request log
    keep_messages: int = 10_000  # messages kept per chat
