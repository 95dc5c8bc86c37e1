"""Who may come in at a door, and how it is encrypted; the same for the API and the receivers."""

from __future__ import annotations

import secrets
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a host to listen on can only be reached from this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def hostname(netloc: str) -> str:
    """The host of a Host header, or of what follows the scheme of an Origin; "" of none."""
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def is_local_page(origin: str) -> bool:
    """Whether a browser's page of this Origin is one of this machine."""
    return is_loopback(hostname(origin.partition("://")[2]))


@dataclass(frozen=True, slots=True)
class Access:
    """What a door asks for: nothing, a bearer token, TLS, or both."""

    token: str = ""
    certificate: Path | None = None
    """PEM, with its chain."""
    key: Path | None = None

    def admits(self, authorization: str) -> bool:
        """Whether this Authorization header may pass, in a time that tells nothing of the token."""
        if not self.token:
            return True
        scheme, _, given = authorization.partition(" ")
        fits = secrets.compare_digest(
            given.strip().encode("utf-8", "replace"), self.token.encode("ascii")
        )
        return scheme.lower() == "bearer" and fits

    @property
    def encrypted(self) -> bool:
        return self.certificate is not None

    def check(self) -> None:
        """Raises ValueError, which names the file, where certificate and key do not fit."""
        if (self.certificate is None) != (self.key is None):
            raise ValueError("tls_certificate_file and tls_key_file go together")
        if self.certificate is None or self.key is None:
            return
        for file in (self.certificate, self.key):
            try:
                file.read_bytes()
            except OSError as error:
                raise ValueError(f"cannot read {file}: {error.strerror}") from None
        try:
            # An encrypted key would ask for its password on the terminal.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.key, password=b"")
        except (ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", None) or str(error)
            raise ValueError(
                f"{self.certificate} and {self.key} are no certificate and its unencrypted key "
                f"in PEM: {reason}"
            ) from None
