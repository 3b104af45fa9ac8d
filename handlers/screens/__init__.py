"""Screens: one message a chat shows, as data. Each function here is pure: facts in, a screen out."""
