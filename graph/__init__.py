"""Pure thinking about events: no I/O, no clock, no SQL."""
