"""YAML out of plain data, as far as documents of others need it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./,-]+)*")
"""Texts that are themselves without quotes, whatever reads them."""

_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "inf", "nan"}
"""Words that are something else without quotes."""

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def yaml_text(value: Mapping[str, Any]) -> str:
    """A document of mappings, lists, texts, numbers, booleans and None."""
    return "\n".join(_mapping(value, 0)) + "\n"


def yaml_stream(documents: Sequence[Mapping[str, Any]]) -> str:
    """Documents, one after the other."""
    return "---\n".join(map(yaml_text, documents))


def _mapping(value: Mapping[str, Any], depth: int) -> Iterator[str]:
    space = "  " * depth
    for key, item in value.items():
        yield from _entry(f"{space}{_scalar(key)}:", item, depth + 1)


def _entry(head: str, item: Any, depth: int) -> Iterator[str]:
    if isinstance(item, Mapping):
        if not item:
            yield f"{head} {{}}"
            return
        yield head
        yield from _mapping(item, depth)
    elif isinstance(item, list | tuple):
        if not item:
            yield f"{head} []"
            return
        yield head
        for one in item:
            yield from _item(one, depth)
    elif isinstance(item, str) and _is_block(item):
        yield f"{head} |"
        space = "  " * depth
        yield from (f"{space}{line}" if line else "" for line in item[:-1].split("\n"))
    else:
        yield f"{head} {_scalar(item)}"


def _item(value: Any, depth: int) -> Iterator[str]:
    space = "  " * depth
    if isinstance(value, Mapping) and value:
        first, *rest = _mapping(value, depth + 1)
        yield f"{space}- {first.lstrip()}"
        yield from rest
    elif isinstance(value, Mapping):
        yield f"{space}- {{}}"
    else:
        yield f"{space}- {_scalar(value)}"


def _is_block(text: str) -> bool:
    """Several lines, each of which stays as it is when it is indented."""
    lines = text.split("\n")
    return (
        len(lines) > 2
        and lines[-1] == ""
        and lines[-2] != ""
        and not lines[0].startswith(" ")
        and all(line.isprintable() for line in lines)
    )


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return '"' + "".join(map(_character, text)) + '"'


def _character(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if 0xD800 <= code < 0xE000:
        return "\ufffd"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
