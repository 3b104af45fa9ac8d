"""Tests of the table of stored personal data."""
