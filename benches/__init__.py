"""Benches: each module runs as ``python -m benches.NAME``; ``python -m benches`` runs them all."""
