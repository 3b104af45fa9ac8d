"""Catalogues, languages, formats and escaping."""
