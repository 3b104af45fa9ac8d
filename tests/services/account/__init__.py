"""What the bot says of an account beyond one answer of the portal."""
