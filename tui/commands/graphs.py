"""What commands compare and check: a window of time, a graph that was saved, or declared ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from graph.declared import DeclarationError, declared, is_declaration
from graph.diff_report import Side
from graph.moments import interval
from graph.topology import Topology
from graph.wire.saved import topology_from_saved
from graph.wire.topology import topology_from_dict
from tui.commands.output import usage

ENDINGS = (".yaml", ".yml", ".json")

LAST = "1h"
"""What `now` is."""

Asked = Callable[[int, int], Topology]
"""Asks a source for the topology of a window."""


def side_of(text: str, now: int, ask: Asked) -> tuple[Side, tuple[str, ...]]:
    """A side of a comparison, and what of it could not be used. A file or folder of that name
    goes before a window of time. Ends the command where it is neither, or cannot be read; raises
    MomentError."""
    path = Path(text)
    if path.exists():
        return read_side(path)
    if text.endswith(ENDINGS) or "/" in text:
        usage(f"there is no file {text}")
    return Side(text, window(text, now, ask)), ()


def window(text: str, now: int, ask: Asked) -> Topology:
    """The topology of `1h`, `2h..1h`, `now` (the last hour) or `all`. Raises MomentError."""
    start, end = (0, 0) if text == "all" else interval(LAST if text == "now" else text, now)
    found = ask(start, end)
    return replace(found, end=found.end or now)


def read_side(path: Path) -> tuple[Side, tuple[str, ...]]:
    """A saved graph, or the declarations in a file or folder, as `side_of`."""
    try:
        documents = list(_documents(path))
        saved = [found for _, data in documents if (found := _saved(data)) is not None]
        if saved and len(documents) == 1:
            return Side(str(path), saved[0]), ()
        if not documents:
            usage(f"{path} holds no document")
        told = declared(documents, _parsed)
    except DeclarationError as error:
        usage(str(error))
    except OSError as error:
        usage(f"cannot read {path}: {error.strerror}")
    return Side(str(path), told.topology, declared=True), told.notes


def read_graph(path: Path) -> Topology:
    """The graph that a file holds; declarations are one too."""
    return read_side(path)[0].topology


def _documents(path: Path) -> Iterator[tuple[str, Any]]:
    """All documents of a file; of a folder those that declare something."""
    if not path.is_dir():
        yield from _read(path)
        return
    for file in sorted(path.rglob("*")):
        if file.suffix in ENDINGS and file.is_file():
            yield from (one for one in _read(file) if is_declaration(one[1]))


def _read(file: Path) -> list[tuple[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DeclarationError(f"{file} is no text in UTF-8") from None
    try:
        if file.suffix == ".json":
            return [(str(file), json.loads(text))]
        import yaml

        return [(str(file), one) for one in yaml.safe_load_all(text) if one is not None]
    except (ValueError, _yaml_error()) as error:
        said = " ".join(str(error).split())
        raise DeclarationError(f"{file} cannot be read: {said}") from None


def _saved(data: Any) -> Topology | None:
    """The topology of either JSON form; None where it is something else."""
    if not isinstance(data, dict) or "nodes" not in data or "edges" not in data:
        return None
    try:
        return topology_from_saved(data) if "graph" in data else topology_from_dict(data)
    except (KeyError, TypeError, ValueError) as error:
        raise DeclarationError(
            f"a graph without {error}: flowtap graph --format json saves one that can be read"
        ) from None


def _parsed(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def _yaml_error() -> type[Exception]:
    import yaml

    return yaml.YAMLError  # type: ignore[no-any-return]
