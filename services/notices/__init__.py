"""From an event of the portal's feed to a notice in a chat or a copy by mail."""
