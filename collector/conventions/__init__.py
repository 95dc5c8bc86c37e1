"""Which attribute or header, in which order of trust, fills which column: data, and its SQL."""
