"""Data in, lines of styled segments out: pure, and the same for text output and screens."""
