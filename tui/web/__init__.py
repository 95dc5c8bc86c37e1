"""The terminal UI in a browser: textual-serve's protocol and page script, behind a guard."""
