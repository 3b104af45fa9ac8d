"""Statements of account: their facts, and how they are drawn as a picture and as a PDF."""
