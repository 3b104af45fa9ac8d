"""The control API: people and operator over HTTP."""
