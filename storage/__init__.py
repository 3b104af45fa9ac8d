"""The database: tables, queries and migrations.

``chats``, ``linking`` and ``notices`` hold the queries by subject. Each function takes a ``Session`` and runs in the
caller's transaction; ``database.Database`` gives sessions.

More than a dozen files: the engine, and subjects that have one file each.
"""
