"""A certificate for localhost and 127.0.0.1, and the authority that signed it; for tests only."""

from pathlib import Path

_HERE = Path(__file__).parent
AUTHORITY = _HERE / "ca.pem"
CERTIFICATE = _HERE / "server.pem"
KEY = _HERE / "server.key"
