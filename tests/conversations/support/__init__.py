"""Conversations of people with the company's staff."""
