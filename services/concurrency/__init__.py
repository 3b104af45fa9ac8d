"""Tasks that belong together: those that must end, and those whose work is done as a group."""
