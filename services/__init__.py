"""What the assistant does, without Telegram."""
