"""Thousands of notices and killed processes; takes minutes. Run by ``pytest -m load tests/load``."""
