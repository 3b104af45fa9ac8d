"""Tests; the folders mirror the tree, and ``conversations`` and ``security`` test the bot as a whole."""
