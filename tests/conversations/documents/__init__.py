"""Invoices, orders, their PDFs, and search."""
