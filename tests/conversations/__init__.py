"""Whole conversations: a person in Telegram, the real bot, and the sandbox's portal and mailbox."""
