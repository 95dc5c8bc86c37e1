"""Real inputs with expected results. They lie beside the checkout and are not part of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(
    os.environ.get("FLOWTAP_VECTORS", Path(__file__).parent.parent.parent / "shared" / "vectors")
)

needs_vectors = pytest.mark.skipif(
    not VECTORS.is_dir() and "CI" not in os.environ,
    reason="the conformance vectors are not beside this checkout (or at FLOWTAP_VECTORS)",
)


def files(pattern: str) -> list[Path]:
    """Vectors by pattern, at least one where there are any vectors at all."""
    found = sorted(VECTORS.glob(pattern))
    if VECTORS.is_dir() or "CI" in os.environ:
        assert found, f"no vector {pattern} in {VECTORS}"
    return found


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
