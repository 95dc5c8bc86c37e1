"""Sizes as people write and read them."""

from __future__ import annotations

import pytest

from graph.figures import size
from graph.sizes import parsed


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("1234", 1234),
        ("20 GB", 20 * 10**9),
        ("20g", 20 * 10**9),
        ("1.5 kB", 1500),
        ("512MiB", 512 << 20),
        (" 1 TiB ", 1 << 40),
    ],
)
def test_what_people_write(text: str, count: int) -> None:
    assert parsed(text) == count


@pytest.mark.parametrize("text", ["", "GB", "-1", "20 pounds", "1,5 GB", "?"])
def test_what_is_no_size_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parsed(text)


def test_what_people_read() -> None:
    sizes = (999, 1_000, 2_100_000, 18_200_000_000)
    assert [size(one) for one in sizes] == ["999 B", "1.0 kB", "2.1 MB", "18.2 GB"]
