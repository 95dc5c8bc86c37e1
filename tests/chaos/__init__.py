"""The collector ended at bad moments under load, and what is left of what it acknowledged."""
