"""Views: each takes an action, asks the portal or the database, and returns a screen; None if it answered itself.

More than a dozen files: one for each subject of the actions, and the table of all.
"""
