"""Reads a command's parameters without typer's pydantic adapters.

Those are made for any type and load pydantic, which would be half of a command's start. Ours are
texts, numbers, paths and lists of them; any other type stays with typer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
from typer.core import TyperCommand


def _number(text: Any) -> int:
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number.") from None


def _real(text: Any) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no number.") from None


_READERS: dict[object, Callable[[Any], Any]] = {
    str: str,
    int: _number,
    float: _real,
    Path: Path,
    bool: bool,
}


class Plain:
    """Stands in for typer's `RuntimeParam`: from what was written to what is meant."""

    def __init__(self, read: Callable[[Any], Any], least: float | None) -> None:
        self._read = read
        self._least = least

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """A value, or a list of them; () or None where none was given."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        try:
            return [self._one(item) for item in value] if several else self._one(value)
        except typer.BadParameter as error:
            error.ctx, error.param = ctx, param
            raise

    def _one(self, item: Any) -> Any:
        read = self._read(item)
        if self._least is not None and read < self._least:
            raise typer.BadParameter(f"{read} is less than {self._least:g}.")
        return read


class ReadPlainly:
    """Mixed into a command: its parameters of plain types, `--help` too, load nothing more."""

    def get_params(self, ctx: Any) -> Any:
        """As click's own."""
        params = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            descriptor = getattr(param, "type_descriptor", None)
            annotation = getattr(descriptor, "annotation", None)
            inner = get_args(annotation)[0] if get_origin(annotation) is list else annotation
            read = _READERS.get(inner)
            if descriptor is not None and read is not None:
                plain = Plain(read, descriptor.parameter_info.min)
                # A method of typer's own: where a later one has none, it does as it likes.
                vars(param)["get_runtime_param"] = partial(_same, plain)
        return params


class PlainCommand(ReadPlainly, TyperCommand):
    """A command that reads its parameters plainly."""


def _same(plain: Plain) -> Plain:
    return plain
