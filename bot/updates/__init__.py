"""The order in which updates are handled: per chat in order, chats side by side."""
