"""Thousands at once, and a process that dies: minutes, not seconds. Run by ``pytest -m load tests/load``."""
