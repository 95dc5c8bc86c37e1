"""What the webhook is told: where findings go to, what signs them, which are wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from collector.taps.kafka_settings import SecretError, SecretReference
from collector.webhook.signing import BadKey, key_of
from graph.findings.model import Finding, Kind, Severity


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that begins with https:// or http://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no user and no password: `secret` says who sends it")
    if parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must be printable ASCII without spaces and without a fragment")
    _ = parts.port  # Raises ValueError where it is none.
    return url


class Webhook(BaseModel):
    """Where findings are sent to when they are new, and when they are over."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_address)] = Field(repr=False)
    """Bears a token of its own in many systems, so it is not shown."""
    secret: SecretStr | SecretReference
    """`whsec_` and base64, as Standard Webhooks writes down a key of 24 to 64 bytes."""
    kinds: tuple[Kind, ...] = ()
    """Wanted; none: all."""
    severity: Severity = Severity.NOTICE
    """Wanted from this one on: `error`, `warning`, or `notice`, which are all."""
    tls_ca_file: Path | None = None
    """PEM with the authorities to trust; None are the system's."""
    timeout: Annotated[float, Field(ge=1, le=60)] = 15.0
    """Seconds in which the receiver has to answer."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        self.key()
        if self.tls_ca_file is not None and not self.tls_ca_file.expanduser().is_file():
            raise ValueError(f"tls_ca_file: cannot read {self.tls_ca_file}")
        return self

    def key(self) -> bytes:
        """What signs. Raises SecretError."""
        if isinstance(self.secret, SecretReference):
            secret = self.secret.reveal("webhook.secret")
        else:
            secret = self.secret.get_secret_value()
        try:
            return key_of(secret)
        except BadKey as error:
            raise SecretError(f"webhook.secret: {error}") from None

    @property
    def receiver(self) -> str:
        """Who it is, without what may be secret in the address."""
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")

    def wants(self, finding: Finding) -> bool:
        """Whether it is to be told that this one is new."""
        return (
            not finding.muted
            and (not self.kinds or finding.kind in self.kinds)
            and finding.severity.rank <= self.severity.rank
        )
