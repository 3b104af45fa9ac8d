"""The portal's tables and database, money, search text, and the rows of orders and invoices."""
