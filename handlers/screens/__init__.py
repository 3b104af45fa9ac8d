"""Screens: messages as data. Each function here is pure, and makes a screen of texts and values.

More than a dozen files: one for each subject that a person meets, and four of shared parts.
"""
