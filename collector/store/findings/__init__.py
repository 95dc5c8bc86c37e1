"""Findings by SQL: what kinds ask of the store, and where what was found is kept."""
