"""Bounded memory, slots and rows under load by strangers and faulty servers."""
