"""Tests of portal/adapters."""
