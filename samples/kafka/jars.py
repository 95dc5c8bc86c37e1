"""Apache Kafka's jars, by pinned coordinates, from the local Maven repository or Maven Central.

Nothing is resolved: Kafka's own POM names an artifact that does not exist, so the list is whole.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from samples.kafka.errors import BrokerError

VERSION = "4.4.0"


def coordinates() -> list[tuple[str, str, str]]:
    """(group, artifact, version) of every jar the broker needs."""
    listed = resources.files("samples.kafka").joinpath(f"kafka-{VERSION}.coordinates").read_text()
    return [(group, name, version) for group, name, version in map(_split, listed.split())]


def _split(coordinate: str) -> list[str]:
    return coordinate.split(":")


def classpath(progress: Callable[[str], None]) -> list[Path]:
    """Paths of all jars; those not in the local Maven repository are fetched first (44 MB).

    Raises BrokerError when one can neither be found nor fetched.
    """
    try:
        from jgo.maven import MavenContext
    except ImportError as missing:
        raise BrokerError(
            f"{missing.name} is not installed: pip install 'flowtap[demo]' brings it"
        ) from missing

    local = MavenContext()
    artifacts = [
        local.project(group, name).at_version(version).artifact()
        for group, name, version in coordinates()
    ]
    paths = [Path(artifact.cached_path) for artifact in artifacts]
    missing_ones = [path for path in paths if not zipfile.is_zipfile(path)]
    if not missing_ones:
        return paths

    # Fetched beside and then moved: whoever interrupts the download, or runs another at the same
    # time, never leaves half a jar where every later start would take it for a whole one.
    repository = Path(local.repo_cache)
    repository.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=repository, prefix=".fetching-") as scratch:
        remote = MavenContext(repo_cache=Path(scratch), local_repos=[], timeout=60)
        done = 0
        for (group, name, version), path in zip(coordinates(), paths, strict=True):
            if path not in missing_ones:
                continue
            done += 1
            progress(f"fetching Kafka {VERSION}: {done}/{len(missing_ones)} {path.name}")
            try:
                fetched = Path(remote.project(group, name).at_version(version).artifact().resolve())
            except (OSError, RuntimeError, AssertionError) as failure:
                raise BrokerError(
                    f"could not fetch {group}:{name}:{version} from Maven Central: {failure}"
                ) from failure
            if not zipfile.is_zipfile(fetched):
                raise BrokerError(f"{group}:{name}:{version} arrived broken; try again")
            path.parent.mkdir(parents=True, exist_ok=True)
            fetched.replace(path)
    return paths
