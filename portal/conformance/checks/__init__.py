"""The checks by what they are about, in the order of the contract: what they share is in ``conformance/check.py``."""
