"""Attempts to guess codes or to find out which addresses the portal knows."""
