"""What the collector is told: command line over FLOWTAP_* variables over a file over defaults.

A variable is FLOWTAP_ and the key: FLOWTAP_STORE, FLOWTAP_API_PORT, FLOWTAP_RECEIVERS_OTLP_GRPC;
FLOWTAP_KAFKA takes `host:port` (clusters apart by `;`) or a JSON list.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from collector import masks, places
from collector.access import Access, is_loopback
from collector.conventions import settings as conventions
from collector.conventions.own import Own
from collector.conventions.render_messages import recogniser
from collector.finding_rules import FindingRule
from collector.places import ConfigError
from collector.taps.kafka_settings import KafkaSettings, SecretError, SecretReference
from collector.webhook.settings import Webhook
from graph.edges import MOST_EDGES
from graph.fate.consumers import Declared
from graph.findings.thresholds import Rules
from graph.moments import moment
from graph.sizes import parsed

__all__ = ["Api", "ConfigError", "Limits", "Receivers", "Retention", "Settings", "load"]

ENV_PREFIX = "FLOWTAP_"

MASKED_HEADERS = (
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api-key",
    "apikey",
    "x-auth-token",
    "x-access-token",
    "x-csrf-token",
    "x-amz-security-token",
    "password",
    "secret",
    "token",
)


def _unless_off(value: object) -> object:
    """`off` (or false) stands for a door that stays shut, a limit that there is not."""
    off = value is False or (isinstance(value, str) and value.strip().lower() in ("off", "false"))
    return None if off else value


def _size(value: object) -> object:
    """Bytes, or a size as people write it."""
    value = _unless_off(value)
    return parsed(value) if isinstance(value, str) else value


def _names(value: object) -> object:
    return [name for name in value.split(",") if name.strip()] if isinstance(value, str) else value


def _lower(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in names)


def _paths(paths: tuple[str, ...]) -> tuple[str, ...]:
    for path in paths:
        masks.parse(path)
    return paths


def _taps(value: object) -> object:
    """Kafka clusters as a list of tables, JSON, or plain addresses."""
    if isinstance(value, str):
        text = value.strip()
        if text.startswith(("[", "{")):
            value = json.loads(text)
        else:
            value = [part.strip() for part in text.split(";") if part.strip()]
    if isinstance(value, Mapping):
        value = [value]
    return [_tap(tap) for tap in value] if isinstance(value, Sequence) else value


def _tap(value: object) -> object:
    """`since` may be written as people write times: `2h`, a date."""
    if isinstance(value, str):
        return {"bootstrap": value}
    if isinstance(value, Mapping):
        since = value.get("since")
        if isinstance(since, str) and since != "beginning":
            return {**value, "since": moment(since, time.time_ns()) // 1_000_000}
    return value


def _once(named: Sequence[str], what: str) -> None:
    if twice := {name for name in named if named.count(name) > 1}:
        raise ValueError(f"there are two {what} of the name {sorted(twice)[0]}")


def _apart(
    profiles: tuple[conventions.ProfileSettings, ...],
) -> tuple[conventions.ProfileSettings, ...]:
    _once([profile.name for profile in profiles], "profiles")
    # Together they may be more than there is room for.
    recogniser(conventions.own({}, profiles))
    return profiles


def _copies_apart(
    copies: tuple[conventions.CopySettings, ...],
) -> tuple[conventions.CopySettings, ...]:
    _once([copy.name for copy in copies], "copies")
    recogniser(conventions.own({}, copies=copies))
    return copies


Port = Annotated[int | None, Field(ge=0, le=65535), BeforeValidator(_unless_off)]
"""0 takes any free one, None (`off`) none."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Door(_Part):
    """Where somebody may come in."""

    host: str = "127.0.0.1"
    token: SecretStr | SecretReference | None = None
    """Bearer token; a table `{ env = ... }` or `{ file = ... }` says where it is. Required when
    the host is reachable from other machines."""
    tls_certificate_file: Path | None = None
    """PEM, with its chain; then only TLS is spoken."""
    tls_key_file: Path | None = None

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if not self.local and self.token is None:
            raise ValueError(f"{self.host} is reachable from other machines: set a token too")
        self.access().check()
        return self

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    def secret(self) -> str:
        """The bearer token, empty when there is none. Raises SecretError."""
        if self.token is None:
            return ""
        key = f"{type(self).__name__.lower()}.token"
        if isinstance(self.token, SecretReference):
            secret = self.token.reveal(key)
        else:
            secret = self.token.get_secret_value()
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise SecretError(f"{key}: must be printable ASCII without spaces, and not empty")
        return secret

    def access(self) -> Access:
        """Who may come in, with the token itself. Raises SecretError."""
        return Access(self.secret(), self.tls_certificate_file, self.tls_key_file)


class Api(_Door):
    """Where the HTTP API listens, and who may ask."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8411
    """0 takes any free one."""
    deadline: Annotated[float, Field(gt=0, le=300)] = 20.0
    """Seconds that one answer may take."""
    workers: Annotated[int, Field(ge=1, le=64)] = 4
    """Queries at a time; more wait."""
    requests_per_second: Annotated[float, Field(gt=0)] = 500.0
    """Of one address; twice as many at once. More are told to wait."""


class Receivers(_Door):
    """Where spans come in, and who may send them."""

    otlp_grpc: Port = 4317
    otlp_http: Port = 4318
    zipkin: Port = 9411


class Limits(_Part):
    """Caps; each says when it is reached."""

    request_bytes: Annotated[int, Field(ge=1024)] = 32 << 20
    """Of one request of spans, decompressed."""
    in_flight_bytes: Annotated[int, Field(ge=1 << 20)] = 128 << 20
    """Of requests of spans that are in memory, all together."""
    spool_bytes: Annotated[int, Field(ge=1 << 20)] = 2 << 30
    """Spans on disk that are not in the store yet."""
    body_bytes: Annotated[int, Field(ge=0)] = 64 << 10
    """Stored of each message's value; 0 stores none."""
    header_bytes: Annotated[int, Field(ge=0)] = 8 << 10
    """Stored of each header's value."""
    chain_events: Annotated[int, Field(ge=1)] = 20_000
    """The most that one chain may hold, whatever is asked for."""
    rows: Annotated[int, Field(ge=1)] = 10_000
    """The most that one list may hold, whatever is asked for."""
    edges: Annotated[int, Field(ge=1)] = MOST_EDGES
    """Rows of edges of one graph, at most, whatever is asked for; the busiest are kept."""
    findings_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Of one core, that looking for findings may take; 0 looks for none."""
    free_bytes: Annotated[int, Field(ge=0)] = 512 << 20
    """Left free on the disk of the store: below it, spans and messages have to wait."""


class Retention(_Part):
    """What is kept: the weeks of the last days, and of them what fits."""

    days: Annotated[int | None, Field(ge=1), BeforeValidator(_unless_off)] = 30
    """A week leaves when all of it was received longer ago; None (`off`) keeps every week."""
    size: Annotated[int | None, Field(ge=1 << 20), BeforeValidator(_size)] = 20 * 10**9
    """Bytes of store and spool together, the oldest leave first; None (`off`) is no limit."""


class DeclaredConsumer(_Part):
    """A consumer that should have certain events, whether or not anything is seen of it."""

    name: Annotated[str, Field(min_length=1)]
    """The service's, as its spans would say it."""
    group: str = ""
    """Its consumer group."""
    destinations: tuple[str, ...] = ()
    """Shell patterns of what it should have; none: what its group is seen reading."""

    @model_validator(mode="after")
    def _says_something(self) -> DeclaredConsumer:
        if not self.group and not self.destinations:
            raise ValueError("says neither its group nor its destinations")
        return self

    @property
    def declared(self) -> Declared:
        return Declared(self.name, self.group, self.destinations)


class Settings(_Part):
    """Everything the collector is told."""

    store: Annotated[Path | str, BeforeValidator(places.location)] = Field(
        default_factory=places.default_store, repr=False
    )
    """A directory for the embedded engine, or a ClickHouse server's URL."""
    environment: str = ""
    """Put on tapped messages, which cannot say theirs: `production`, `staging`."""
    masked_headers: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(_names), AfterValidator(_lower)
    ] = MASKED_HEADERS
    """Message headers, in any case, whose values are not stored."""
    masked_paths: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(_names), AfterValidator(_paths)
    ] = ()
    """Paths of JSON bodies whose values are not stored."""
    api: Api = Api()
    receivers: Receivers = Receivers()
    kafka: Annotated[tuple[KafkaSettings, ...], NoDecode, BeforeValidator(_taps)] = ()
    consumers: tuple[DeclaredConsumer, ...] = ()
    """Who should have which events: for what became of an event where nothing is seen."""
    findings: tuple[FindingRule, ...] = ()
    """From where on findings are told, and which are muted; of several that fit and say the same
    thing the last one counts."""
    webhook: Webhook | None = None
    """Who is told of new and closed findings; None: nobody."""
    limits: Limits = Limits()
    retention: Retention = Retention()
    ids: conventions.Ids = {}
    """Ids of the business, and the headers and JSON paths that hold them."""
    profiles: Annotated[tuple[conventions.ProfileSettings, ...], AfterValidator(_apart)] = ()
    """Frameworks that flowtap does not know."""
    copies: Annotated[tuple[conventions.CopySettings, ...], AfterValidator(_copies_apart)] = ()
    """Retry topics and dead letters that say so in headers flowtap does not know."""

    @property
    def own(self) -> Own:
        """The user's own conventions."""
        return conventions.own(self.ids, self.profiles, self.copies)

    @property
    def rules(self) -> Rules:
        """What is said of findings."""
        return Rules(tuple(one.rule for one in self.findings))

    @property
    def folder(self) -> Path:
        """The folder on this machine that belongs to the store: spool, runtime file."""
        return places.folder_of(self.store)


class _Sources(Settings, BaseSettings):
    """The settings with their sources; only `load` makes one."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="_", env_nested_max_split=1
    )


def load(overrides: Mapping[str, Any] | None = None, *, config: Path | None = None) -> Settings:
    """The settings of this process, `overrides` (nested by key) first.

    Raises ConfigError, which names the file, variable or option and the key of each mistake.
    """
    file = places.config_file(config)
    said = places.read_config(file)
    given = dict(overrides or {})
    variables: dict[str, Any] = {}

    class Sources(_Sources):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            variables.update(env_settings())
            return init_settings, env_settings, InitSettingsSource(settings_cls, said)

    try:
        read = Sources(**given)
    except ValidationError as error:
        places_of = (("command line", given), (ENV_PREFIX, variables), (str(file), said))
        mistakes = [_mistake(one, places_of) for one in error.errors(include_url=False)]
        raise ConfigError("\n".join(mistakes)) from None
    except SettingsError as error:
        raise ConfigError(f"{ENV_PREFIX}*: {error}") from None
    return Settings(**{name: getattr(read, name) for name in Settings.model_fields})


def _mistake(error: Any, sources: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """One line: where it was said, the key, what is wrong with it."""
    path: tuple[str | int, ...] = tuple(error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "there is no such setting"
    source, said = max(sources, key=lambda named: _depth(named[1], path))
    depth = _depth(said, path)
    if not depth:
        return f"{_key(path)}: {message}"
    key = _key(path if error["type"] == "missing" else path[:depth])
    if source == ENV_PREFIX:
        return f"{ENV_PREFIX}{key.upper().replace('.', '_')}: {message}"
    return f"{source}: {key}: {message}"


def _depth(said: Any, path: Sequence[str | int]) -> int:
    """How many steps of a path a source speaks of."""
    for depth, step in enumerate(path):
        if isinstance(said, Mapping) and step in said:
            said = said[step]
        elif isinstance(said, Sequence) and not isinstance(said, str) and isinstance(step, int):
            if step >= len(said):
                return depth
            said = said[step]
        else:
            return depth
    return len(path)


def _key(path: Sequence[str | int]) -> str:
    key = ""
    for step in path:
        key += f"[{step}]" if isinstance(step, int) else f".{step}" if key else step
    return key
