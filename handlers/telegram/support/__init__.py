"""The conversation with the staff on Telegram: relayed messages, topics, and closing them."""
