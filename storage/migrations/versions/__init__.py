"""The schema's history: one module for each revision, applied in order by Alembic."""
