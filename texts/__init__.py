"""Texts in two languages: catalogues, formats of dates and money, escaping."""
