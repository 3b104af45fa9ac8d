"""Tasks that belong together."""
