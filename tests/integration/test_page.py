"""The exported page in a real Chromium: moved, zoomed, searched, and without any network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from graph.export import FORMATS
from tests.browser import Page, browsing, needs
from tests.tui import shop
from tests.unit.graph.test_export import NASTY_TOPOLOGY

MIDDLE = (600, 400)


async def opened(page: Page, file: Path) -> None:
    await page.open(file.as_uri(), 1200, 800)

    async def drawn() -> str | None:
        way = await page.value("document.getElementById('all')?.getAttribute('transform')")
        return str(way) if way else None

    await page.until(drawn, "a page")


async def mouse(page: Page, kind: str, x: float, y: float, **more: Any) -> None:
    await page.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)


async def lit(page: Page) -> list[str]:
    """Nodes that are not faint."""
    found = await page.value(
        "[...document.querySelectorAll('.node:not(.faint) title')].map((one) => one.textContent)"
    )
    return sorted(found)


async def place(page: Page, title: str) -> tuple[float, float]:
    """The middle of a node."""
    script = """((title) => {
      const node = [...document.querySelectorAll('.node')]
        .find((one) => one.querySelector('title').textContent === title);
      const box = node.querySelector('rect').getBoundingClientRect();
      return [box.x + box.width / 2, box.y + box.height / 2];
    })"""
    x, y = await page.value(f"{script}({json.dumps(title)})")
    return x, y


@needs("chromium")
async def test_a_page_is_moved_zoomed_searched_and_asks_nobody(tmp_path: Path) -> None:
    file = tmp_path / "graph.html"
    file.write_text(FORMATS["html"].function(shop.topology()), encoding="utf-8")
    async with browsing() as page:
        await opened(page, file)
        assert len(await lit(page)) == 19

        before = await place(page, "service payment")
        await mouse(page, "mouseWheel", *MIDDLE, deltaX=0, deltaY=-200)
        zoomed = await place(page, "service payment")
        assert abs(zoomed[0] - MIDDLE[0]) > abs(before[0] - MIDDLE[0]), "it came nearer"
        await mouse(page, "mousePressed", 600, 700, button="left", clickCount=1)
        await mouse(page, "mouseMoved", 650, 660, button="left")
        await mouse(page, "mouseReleased", 650, 660, button="left", clickCount=1)
        moved = await place(page, "service payment")
        assert (round(moved[0] - zoomed[0]), round(moved[1] - zoomed[1])) == (50, -40)
        assert await page.value("document.getElementById('details').hidden")

        await page.value("document.getElementById('fit').click()")
        x, y = await place(page, "service payment")
        await mouse(page, "mousePressed", x, y, button="left", clickCount=1)
        await mouse(page, "mouseReleased", x, y, button="left", clickCount=1)
        told = await page.value("document.getElementById('details').innerText")
        assert "order.created" in told and "consume as payment: 1,204, observed" in told
        assert "37 failed" in told and "p95 142 ms" in told
        assert "service bank-gateway" in await lit(page)
        assert "destination stock.reserved" not in await lit(page)

        await page.press("Escape")
        await page.press("/")
        for letter in "regist":
            await page.press(letter)
        assert await lit(page) == [
            *("destination user.registered", "group crm-sync", "service points"),
            "unknown unknown producer",
        ]
        assert page.complaints == []
        assert page.requests == [file.as_uri()]


@needs("chromium")
async def test_names_are_text_on_it(tmp_path: Path) -> None:
    file = tmp_path / "graph.html"
    file.write_text(FORMATS["html"].function(NASTY_TOPOLOGY), encoding="utf-8")
    async with browsing() as page:
        await opened(page, file)
        titles = await lit(page)
        shown = {node.title for node in NASTY_TOPOLOGY.nodes if node.title.isprintable()}
        assert {f"service {title}" for title in shown} <= set(titles)
        assert len(titles) == len(NASTY_TOPOLOGY.nodes)
        assert page.complaints == []
