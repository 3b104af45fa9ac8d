"""Screens: messages as data. Each function here is pure, and makes a screen of texts and values."""
