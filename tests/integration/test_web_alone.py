"""`flowtap tui --web` in a real Chromium, without a shop: recorded files, tokens, downloads."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from collector.config import Api
from tests.browser import browsing, needs
from tests.builders import Flow
from tests.integration.test_web import web
from tests.memory_backend import MemoryBackend
from tests.poured import request
from tests.running import eventually
from tests.serving import serving
from tests.tui import shop

TOKEN = "correct-horse"


def environment(**own: str) -> dict[str, str]:
    """This process's, without settings of flowtap but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLOWTAP_")}
    return {**kept, **own}


def runs(pid: int) -> bool:
    """Whether there is such a process; one that has ended may wait for somebody to notice."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except FileNotFoundError:
        return False


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Path, str]:
    """An order that was paid, as spans in a file whose name begins like an option; its id."""
    flow = Flow()
    order = flow.send("storefront", "orders", tapped=False, message_id="order-1")
    flow.send("payment", "payments", tapped=False, inside=flow.process("payment", order, by="link"))
    file = tmp_path / "--paid.otlp"
    file.write_bytes(request(flow).SerializeToString())
    assert order.context is not None
    return file, f"{order.context.trace_id}/{order.context.span_id}"


@needs("chromium")
async def test_a_recorded_chain_is_downloaded(
    recorded: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What I export comes to my browser, by its own name; nothing is written where flowtap runs."""
    file, order = recorded
    downloads, runs = tmp_path / "downloads", tmp_path / "runs"
    downloads.mkdir()
    runs.mkdir()
    monkeypatch.chdir(runs)
    with web(environment(), "--find", order, "--", str(file)) as running:
        async with browsing() as page:
            await page.downloads(downloads)
            await page.open(running.address, 1940, 1062)
            await page.sees("event, and who handled it", "payment", "recorded")
            await page.press("e")
            shown = await page.sees("Download the file", "as the API tells it")
            assert "Write the file" not in shown
            for letter in ' paid; "\u00fc".json':
                await page.press(letter)
            await page.press("Enter")
            await page.sees("by your browser")

            async def arrived() -> str | None:
                files = [one for one in downloads.iterdir() if one.suffix == ".json"]
                return files[0].name if files else None

            name = await page.until(arrived, "the download")
            assert page.complaints == []
    assert "paid" in name and "\u00fc" in name
    assert list(runs.iterdir()) == []


@needs("chromium")
async def test_a_session_ends_when_who_serves_it_is_killed(
    recorded: tuple[Path, str], tmp_path: Path
) -> None:
    """Nothing of it stays: neither its process nor its store, though it has nothing to write."""
    file, order = recorded
    stores = tmp_path / "stores"
    stores.mkdir()
    with web(environment(TMPDIR=str(stores)), "--find", order, "--", str(file)) as running:
        async with browsing() as page:
            await page.open(running.address, 790, 520)
            await page.sees("event, and who handled it")
            (session,) = running.children()
            assert list(stores.iterdir())
            running.process.kill()
            eventually(lambda: not runs(session), 10)
    assert list(stores.iterdir()) == []


@needs("chromium")
async def test_the_token_reaches_each_session_and_nobody_else(tmp_path: Path) -> None:
    """The collector wants a token: the browser's session has it, its command line and page do
    not; what I copy is on my own clipboard."""
    backend = MemoryBackend()
    backend.edge_rows = shop.edges()
    with serving(backend, Api(token=SecretStr(TOKEN))) as url:
        given = environment(FLOWTAP_API_TOKEN=TOKEN)
        with web(given, "--url", url) as running:
            async with browsing() as page:
                await page.open(running.address, 790, 520)
                await page.sees("order.created", "live")
                (session,) = running.children()
                assert TOKEN not in Path(f"/proc/{session}/cmdline").read_text()
                assert TOKEN not in await page.value("document.documentElement.outerHTML")
                await page.press("y")
                await page.sees("Copied")

                async def copied() -> str | None:
                    return await page.clipboard() or None

                assert await page.until(copied, "the copy") in json.dumps(await page.text())
        with web(environment(), "--url", url) as running:
            async with browsing() as page:
                await page.open(running.address, 790, 520)
                await page.sees("asks for a bearer token", "FLOWTAP_API_TOKEN")
