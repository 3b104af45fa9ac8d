"""The Bot API's methods and types, compiled from its data file into parameter checkers."""
