"""A Telegram, a portal and a mailbox on loopback, for a machine that has no accounts. Never in the wheel."""
