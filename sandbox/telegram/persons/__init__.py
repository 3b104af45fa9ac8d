"""The people who use bots: what they send, tap and see."""

from sandbox.telegram.persons.person import Person

__all__ = ["Person"]
