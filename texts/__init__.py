"""Two languages: catalogues, dates, money, escaping."""
