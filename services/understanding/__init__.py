"""Understands typed text, without I/O: normalise, find candidates, and resolve them by what the chat awaits.

``resolving.understand`` is the way in. Whether an order or an invoice has a number is not decided here: the portal is
asked (``services.papers``).
"""
