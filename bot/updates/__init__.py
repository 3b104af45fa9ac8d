"""The order in which updates are handled: one chat's one after the other, those of different chats concurrently."""
