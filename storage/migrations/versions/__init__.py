"""The schema's history: one module for each revision, applied in order by Alembic.

More than a dozen files: a revision stays for as long as a database of that version may be brought up to date.
"""
