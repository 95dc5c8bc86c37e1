"""What of JSON bodies is masked before anything of them is stored.

In doubt more is masked than was asked for: a body that bears a masked name and cannot be read as
JSON is masked whole, and of a key that is there twice only the last is kept, as readers do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from graph.model import MASKED

MASK = MASKED.encode()

_PATH = re.compile(r"\$(?:\.{1,2}[^.\[\]*]+|\[(?:\d+|\*)\]|\['[^']*'\]|\[\"[^\"]*\"\])+")
_STEP = re.compile(r"(\.{1,2})([^.\[\]*]+)|\[(\d+|\*)\]|\[(['\"])(.*?)\4\]")

ANY = object()
"""The step to every element of an array, or every value of an object."""


class _Anywhere(str):
    """A key at this depth or any below."""

    __slots__ = ()


Path = tuple[Any, ...]
"""Keys, indexes, ANY, and keys that may be anywhere below."""


def parse(text: str) -> Path:
    """`$.card.number`, `$.lines[*].card`, `$..password`. Raises ValueError."""
    if not _PATH.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is no path: write $.key.key, $.list[*].key, or $..key")
    steps: list[Any] = []
    for dots, key, index, _, quoted in _STEP.findall(text):
        if index:
            steps.append(ANY if index == "*" else int(index))
        else:
            steps.append(_Anywhere(key) if dots == ".." else key or quoted)
    return tuple(steps)


class BodyMasks:
    """Masks values at paths of JSON bodies. Thread-safe."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = [parse(path) for path in paths]
        names = [[step for step in path if isinstance(step, str)] for path in self._paths]
        self._needles = [some[-1].encode() for some in names if some]
        self._always = not all(names)

    def __bool__(self) -> bool:
        return bool(self._paths)

    def applied(self, body: bytes) -> bytes:
        """The body as it may be stored: the same, when nothing in it is to be masked."""
        # What is escaped, or has more than a byte for each sign, hides names.
        named = self._always or any(needle in body for needle in self._needles)
        if not named and b"\\" not in body and b"\0" not in body[:4]:
            return body
        # A schema's id in front, as Confluent's serialisers write it.
        head = body[:5] if body[:1] == b"\0" and body[5:].lstrip()[:1] in (b"{", b"[") else b""
        twice = False

        def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            nonlocal twice
            made = dict(pairs)
            twice = twice or len(made) != len(pairs)
            return made

        try:
            document = json.loads(body[len(head) :], object_pairs_hook=once)
            found = sum([_mask(document, path) for path in self._paths])
            if not found and not twice:
                return body
            told = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        except (ValueError, RecursionError):
            begin = body[len(head) :].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
            wide = body[:2] in (b"\xff\xfe", b"\xfe\xff")
            return MASK if named or wide or begin in (b"{", b"[") else body
        return head + told.encode("utf-8", "replace")


def _mask(value: Any, path: Path) -> int:
    """Masks what is at the path, in place; returns how many values those were."""
    step, rest = path[0], path[1:]
    count = 0
    if isinstance(step, _Anywhere):
        key = str(step)
        below = value.values() if isinstance(value, dict) else value
        if isinstance(value, (dict, list)):
            count += sum([_mask(one, path) for one in list(below)])
        return count + _mask(value, (key, *rest))
    for place in _places(value, step):
        if rest:
            count += _mask(value[place], rest)
        else:
            value[place] = MASKED
            count += 1
    return count


def _places(value: Any, step: Any) -> list[Any]:
    """The keys or indexes that a step means here."""
    if step is ANY:
        if isinstance(value, dict):
            return list(value)
        return list(range(len(value))) if isinstance(value, list) else []
    if isinstance(step, int):
        return [step] if isinstance(value, list) and step < len(value) else []
    return [step] if isinstance(value, dict) and step in value else []
