"""Turns events of the portal's feed into notices to chats and copies by mail."""
