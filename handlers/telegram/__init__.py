"""Rules of the Telegram Bot API that every caller of it shares."""
