"""Everything that is sent to Telegram: rendered messages, callback data, documents, menus, and failures."""
