"""The main conversation, groups, and unexpected or hostile input."""
