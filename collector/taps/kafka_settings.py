"""What a Kafka tap may be told: which topics, from when, by which client, with which secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

NEVER_UNASKED = ("__*", "otlp_*", "flowtap.*")
"""Internal topics, spans that travel through Kafka, and flowtap's own."""


class SecretError(ValueError):
    """A secret's source cannot be read; the text names the option and the source, no value."""


class SecretReference(BaseModel):
    """Where a secret is: an environment variable or a file (its last line break is dropped)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _one_source(self) -> SecretReference:
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret has one source: either env or file")
        return self

    def reveal(self, option: str) -> str:
        """The secret itself. Raises SecretError when its source is missing."""
        if self.env is not None:
            value = os.environ.get(self.env)
            if value is None:
                raise SecretError(f"{option}: environment variable {self.env} is not set")
            return value
        assert self.file is not None
        try:
            return self.file.expanduser().read_text().rstrip("\r\n")
        except OSError as error:
            raise SecretError(f"{option}: cannot read {self.file}: {error.strerror}") from None


Scalar = bool | int | float | str
Option = SecretReference | Scalar
OptionValues = dict[str, Scalar]


class KafkaSettings(BaseModel):
    """One Kafka cluster to tap. Patterns are shell-like (`orders.*`) and match whole names.

    The security fields are told to both clients in their own spelling; whatever they do not
    cover goes through `confluent_options` and `kafka_python_options` as each client names it.
    Options that would make a tap more than a reader (groups, commits, creating topics, where to
    start) are the tap's own and cannot be changed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    bootstrap: str = Field(min_length=1)
    """`host:port`, several by comma."""
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    never: tuple[str, ...] = NEVER_UNASKED
    """Left out even where `include` matches, unless `include` names the topic exactly."""
    since: Annotated[int, Field(ge=0)] | Literal["beginning"] | None = None
    """Where topics begin that are there when the tap first starts: None is their end, a number
    milliseconds since the Unix epoch. Stored positions go before it."""
    reader: Literal["auto", "confluent-kafka", "kafka-python"] = "auto"
    isolation: Literal["read_committed", "read_uncommitted"] = "read_committed"
    """`read_uncommitted` also gives records of transactions that are open or were aborted."""
    metadata_interval: float = Field(default=1.0, gt=0)
    """Seconds between looks for new topics and partitions."""
    groups: bool = True
    """Whether to watch consumer groups."""
    groups_interval: float = Field(default=2.0, gt=0)
    """Seconds between looks at consumer groups."""
    producers: bool = True
    """Whether to watch producers and their transactions."""
    producers_interval: float = Field(default=30.0, gt=0)
    """Seconds between looks at producers; a large cluster is asked in turns."""
    request_timeout: float = Field(default=5.0, ge=1)
    """Seconds a broker may take to answer before it counts as away."""

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: SecretReference | str | None = None
    sasl_password: SecretReference | str | None = Field(default=None, repr=False)
    ssl_ca_file: Path | None = None
    ssl_certificate_file: Path | None = None
    ssl_key_file: Path | None = None
    ssl_key_password: SecretReference | str | None = Field(default=None, repr=False)
    ssl_check_hostname: bool = True
    confluent_options: dict[str, Option] = Field(default_factory=dict, repr=False)
    kafka_python_options: dict[str, Option] = Field(default_factory=dict, repr=False)

    def wants(self, topic: str) -> bool:
        """Whether this topic is to be tapped."""
        if topic in self.include:
            return not _matches(topic, self.exclude)
        return _matches(topic, self.include) and not _matches(topic, self.exclude + self.never)

    def for_confluent(self) -> OptionValues:
        """Options of librdkafka, secrets revealed. Raises SecretError."""
        named = {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": self.security_protocol,
            "sasl.mechanism": self.sasl_mechanism,
            "sasl.username": self.sasl_username,
            "sasl.password": self.sasl_password,
            "ssl.ca.location": self.ssl_ca_file,
            "ssl.certificate.location": self.ssl_certificate_file,
            "ssl.key.location": self.ssl_key_file,
            "ssl.key.password": self.ssl_key_password,
            "ssl.endpoint.identification.algorithm": None if self.ssl_check_hostname else "none",
        }
        return _revealed(named) | _revealed(self.confluent_options)

    def for_kafka_python(self) -> OptionValues:
        """Options of kafka-python's clients, secrets revealed. Raises SecretError."""
        named = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
            "ssl_cafile": self.ssl_ca_file,
            "ssl_certfile": self.ssl_certificate_file,
            "ssl_keyfile": self.ssl_key_file,
            "ssl_password": self.ssl_key_password,
            "ssl_check_hostname": None if self.ssl_check_hostname else False,
        }
        return _revealed(named) | _revealed(self.kafka_python_options)


def _matches(topic: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(topic, pattern) for pattern in patterns)


def _revealed(options: Mapping[str, Option | Path | None]) -> OptionValues:
    values: OptionValues = {}
    for name, option in options.items():
        if isinstance(option, SecretReference):
            values[name] = option.reveal(name)
        elif isinstance(option, Path):
            values[name] = str(option.expanduser())
        elif option is not None:
            values[name] = option
    return values
