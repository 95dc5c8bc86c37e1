"""Messages in: one file a broker, behind the protocol in tap.py."""
