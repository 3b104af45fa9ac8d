"""Understanding typed text."""
