"""A company's own database as a portal: five SQL views, read over SQLAlchemy, and a place for PDFs."""
