"""Subcommands of the command line.

More than a dozen files: each is one command, or what it is made of.
"""
