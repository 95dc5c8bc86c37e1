"""`flowtap tui --web` in a real Chromium, on the running shop; and who else cannot use it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.browser import browsing, needs
from tests.integration.live_shop import LiveShop
from tests.running import eventually

WEB = [sys.executable, "-m", "tui", "tui", "--web"]
SIZES = {(80, 24): (790, 520), (200, 50): (1940, 1062)}
"""Pixels of windows that hold at least so many columns and rows."""


class Web:
    """A running `flowtap tui --web`."""

    def __init__(self, environment: dict[str, str], arguments: tuple[str, ...]) -> None:
        self.process = subprocess.Popen(
            [*WEB, *arguments], stderr=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stderr
        line = self.process.stderr.readline()
        assert line.startswith("flowtap is at http://127.0.0.1:"), line
        self.address = line.split()[-1]

    def children(self) -> list[int]:
        """Process ids of its sessions."""
        file = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in file.read_text().split()]


@contextmanager
def web(environment: dict[str, str], *arguments: str) -> Iterator[Web]:
    running = Web(environment, ("--port", "0", *arguments))
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()


@pytest.fixture(scope="module")
def served(shop: LiveShop) -> Iterator[Web]:
    with web(shop.environment) as running:
        yield running


@needs("chromium")
@pytest.mark.kafka
@pytest.mark.parametrize("cells", SIZES, ids=lambda cells: f"{cells[0]}x{cells[1]}")
async def test_from_the_graph_to_the_chain_of_an_order(
    served: Web, shop: LiveShop, cells: tuple[int, int], tmp_path: Path
) -> None:
    width, height = SIZES[cells]
    async with browsing() as page:
        await page.open(served.address, width, height)
        await page.sees("order.created", "storefront", "live")
        columns, rows = await page.cells()
        assert columns >= cells[0]
        assert rows >= cells[1]

        pictured = await page.picture(tmp_path / "graph.png")
        assert pictured[:2] == (width, height)
        colours = pictured[2]
        assert max(colours, key=lambda one: colours[one]) == "#0f1119", "the theme's background"
        assert colours["#72d2ef"] > 100, "services"
        assert len(colours) > 50, "letters have soft edges"

        await page.press("?")
        await page.sees("─ Help ─")
        await page.press("Escape")
        await page.sees_no_more("─ Help ─")
        await page.press("/")
        await page.sees("Find an event by any id")
        await page.paste(shop.order)
        await page.sees(shop.order)
        await page.press("Enter")
        await page.sees(
            "event, and who handled it", shop.position, "stock.reserved", "payment.completed"
        )
        await page.picture(tmp_path / "chain.png")

        here = urlsplit(served.address).netloc
        assert {urlsplit(one).netloc for one in page.requests} <= {here, ""}
        assert page.complaints == []


@needs("chromium")
@pytest.mark.kafka
async def test_ctrl_c_ends_it_and_every_session(shop: LiveShop) -> None:
    with web(shop.environment, "--find", shop.order) as running:
        async with browsing() as page:
            await page.open(running.address, 790, 520)
            await page.sees("event, and who handled it")
            (session,) = running.children()
            command = Path(f"/proc/{session}/cmdline").read_bytes().decode()
            assert shop.url not in command
            running.process.send_signal(signal.SIGINT)
            assert running.process.wait(20) == 0
            eventually(lambda: not Path(f"/proc/{session}").exists())

            async def ended() -> str | None:
                return str(await page.value("document.body.innerText")) or None

            assert "This session has ended" in await page.until(ended, "the end")


@pytest.mark.kafka
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Host": "rebound.example", "Origin": "http://rebound.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
    ],
)
async def test_a_page_of_somebody_else_gets_nothing(served: Web, headers: dict[str, str]) -> None:
    async with aiohttp.ClientSession(headers=headers) as client:
        async with client.get(served.address) as answer:
            assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(f"{served.address}ws")
        assert refused.value.status == 403
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert served.children() == []


@pytest.mark.kafka
async def test_neither_does_who_has_no_key(served: Web) -> None:
    base = f"http://{urlsplit(served.address).netloc}"
    async with aiohttp.ClientSession() as client:
        for path in ("", "/ws", "/x/", "/x/ws", "/x/static/js/textual.js", "/download/x"):
            async with client.get(f"{base}{path}") as answer:
                assert answer.status == 404
        async with client.get(served.address) as answer:
            assert answer.status == 200
    assert served.children() == []


@pytest.mark.kafka
def test_a_port_that_is_taken_is_named(served: Web, shop: LiveShop) -> None:
    port = str(urlsplit(served.address).port)
    ended = subprocess.run(
        [*WEB, "--port", port], capture_output=True, text=True, env=shop.environment, timeout=60
    )
    assert ended.returncode == 1
    assert f"port {port} is taken" in ended.stderr
    assert "Traceback" not in ended.stderr
