"""In a real terminal, on the running shop: from the start to an order's chain in a few keys."""

from __future__ import annotations

import pytest
from rich.text import Text

from tests.browser import needs
from tests.integration.live_shop import LiveShop
from tests.tui.walk import KEYS, walk

pytestmark = [pytest.mark.kafka, needs("tmux")]


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_five_keys_and_a_paste(shop: LiveShop, size: tuple[int, int]) -> None:
    assert KEYS <= 5
    *_, (last, screen) = walk(shop, size)
    assert last.name == "chain"
    shown = Text.from_ansi(screen).plain
    assert shop.position in shown
    assert "order.completed" in shown
