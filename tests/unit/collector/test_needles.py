"""Whether a text is in another is told as Python tells it."""

from __future__ import annotations

import hypothesis.strategies as some
from hypothesis import given

from collector.needles import Needles

BYTES = some.binary(max_size=6).map(lambda text: bytes(b & 1 for b in text))


@given(BYTES, some.lists(BYTES.filter(bool), max_size=3))
def test_a_needle_is_found_where_it_is(text: bytes, needles: list[bytes]) -> None:
    assert Needles(needles).any_in(text) == any(needle in text for needle in needles)


def test_another_c_library_does_not_matter() -> None:
    needles = Needles([b"needle"])
    needles._memmem = None
    assert needles.any_in(b"a \0 needle")
    assert not needles.any_in(b"needl")


def test_what_comes_after_a_zero_byte_is_looked_through_too() -> None:
    assert Needles([b"needle"]).any_in(b"a\0needle")
    assert not Needles([b"a\0needle"]).any_in(b"a\0other")
