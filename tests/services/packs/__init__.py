"""Tests of packs: totals, files, and the loading of PDFs."""
