"""Where the configuration and the store are. Light: every command imports it.

The configuration is the file that is asked for, else `flowtap.toml` in the working directory,
else `config.toml` in the user's configuration folder; they are not merged.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platformdirs import PlatformDirs

FILE_NAME = "flowtap.toml"
SERVER_SCHEMES = ("clickhouse", "clickhouses", "http", "https")

_FOLDERS = PlatformDirs("flowtap", appauthor=False)


class ConfigError(Exception):
    """A setting cannot be used; the message names the file (or variable, or option) and key."""


def config_file(asked: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The configuration file to read, None when there is none.

    Raises ConfigError when the one that is asked for, also by FLOWTAP_CONFIG, does not exist.
    """
    if asked is None and environ.get("FLOWTAP_CONFIG"):
        asked = Path(environ["FLOWTAP_CONFIG"])
    if asked is not None:
        if not asked.expanduser().is_file():
            raise ConfigError(f"{asked}: there is no such file")
        return asked.expanduser().absolute()
    here = Path(FILE_NAME).absolute()
    for candidate in (here, _FOLDERS.user_config_path / "config.toml"):
        if candidate.is_file():
            return candidate
    return None


def read_config(file: Path | None) -> dict[str, Any]:
    """What the file says, with `store` as a URL or an absolute path. Raises ConfigError."""
    if file is None:
        return {}
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    if isinstance(said.get("store"), str):
        said["store"] = location(said["store"], file.parent)
    return said


def location(text: str | Path, base: Path | None = None) -> Path | str:
    """A store's place: a ClickHouse server's URL as it is, anything else as an absolute path."""
    if isinstance(text, str) and urlsplit(text).scheme in SERVER_SCHEMES:
        return text
    return (base or Path.cwd()) / Path(text).expanduser()


def default_store() -> Path:
    """The store in the user's data folder."""
    return _FOLDERS.user_data_path / "store"


def find_store(
    asked: str | Path | None = None,
    config: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Path | str:
    """Where the store is, as `collector.config` finds it, without loading that."""
    if asked is not None:
        return location(asked)
    if environ.get("FLOWTAP_STORE"):
        return location(environ["FLOWTAP_STORE"])
    said = read_config(config_file(config, environ)).get("store")
    return location(said) if isinstance(said, str | Path) else default_store()


def folder_of(store: Path | str) -> Path:
    """The folder on this machine that belongs to a store: spool, runtime file.

    An embedded store is that folder; a server's store has one in the user's data folder.
    """
    if isinstance(store, Path):
        return store
    parts = urlsplit(store)
    name = f"{parts.hostname}:{parts.port}{parts.path}"
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return _FOLDERS.user_data_path / "servers" / digest


def shown(store: Path | str) -> str:
    """A store's place without its password."""
    if isinstance(store, Path):
        return str(store)
    parts = urlsplit(store)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
