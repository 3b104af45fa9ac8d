"""A simulated Telegram, portal and mailbox on loopback, for tests and the demo. Never in the wheel."""
