"""A real headless Chromium, driven over its DevTools protocol, for tests."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

CHROMIUM = shutil.which("chromium")
PATIENCE = 40.0

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
    *("--hide-scrollbars", "--remote-debugging-port=0", "about:blank"),
)

CATCH_TERMINAL = """
// The page keeps its xterm.js to itself; it is caught where the page's script assigns it.
Object.defineProperty(Object.prototype, 'terminal', {
  configurable: true,
  set(made) {
    if (made && made.buffer) window.caught = made;
    Object.defineProperty(this, 'terminal', {value: made, writable: true, configurable: true});
  },
});
"""

TEXT = """
(() => {
  if (!window.caught) return '';
  const shown = window.caught.buffer.active;
  return Array.from({length: window.caught.rows},
    (_, row) => shown.getLine(shown.viewportY + row)?.translateToString(true) ?? '').join('\\n');
})()
"""

COLOURS = """
(async (encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], {type: 'image/png'}));
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const found = {};
  const data = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  for (const one of data) found[one] = (found[one] ?? 0) + 1;
  const hex = (one) => '#' + [0, 8, 16].map(
    (shift) => ((one >> shift) & 255).toString(16).padStart(2, '0')).join('');
  return [image.width, image.height,
    Object.fromEntries(Object.entries(found).map(([one, count]) => [hex(Number(one)), count]))];
})
"""


def needs(program: str) -> pytest.MarkDecorator:
    """Skips without the program, but never where CI says that all must run."""
    missing = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(missing, reason=f"{program} is not installed (Debian: {program})")


class Page:
    """A tab: what a person types, and what stands on the terminal in it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._asked = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.requests: list[str] = []
        """Addresses that it asked for."""
        self.complaints: list[str] = []
        """Uncaught errors and what the browser would not do."""
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._waiting.pop(told["id"]).set_result(told)
            elif told["method"] == "Network.requestWillBeSent":
                self.requests.append(told["params"]["request"]["url"])
            elif told["method"] == "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(told["params"]))
            elif told["method"] == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
                self.complaints.append(told["params"]["entry"]["text"])

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol."""
        self._asked += 1
        waiting = self._waiting[self._asked] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._asked, "method": method, "params": parameters})
        told = await asyncio.wait_for(waiting, PATIENCE)
        assert "error" not in told, f"{method}: {told['error']}"
        result: dict[str, Any] = told["result"]
        return result

    async def value(self, script: str) -> Any:
        """What a script is, in the page."""
        told = await self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    async def open(self, address: str, width: int, height: int) -> None:
        """Goes there, in a window of so many pixels."""
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.ask(f"{domain}.enable")
        await self.ask("Page.addScriptToEvaluateOnNewDocument", source=CATCH_TERMINAL)
        await self.resize(width, height)
        await self.ask("Page.navigate", url=address)

    async def resize(self, width: int, height: int) -> None:
        await self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def text(self) -> str:
        """The terminal's lines."""
        return str(await self.value(TEXT))

    async def cells(self) -> tuple[int, int]:
        """Columns and rows of the terminal."""
        columns, rows = await self.value("[window.caught.cols, window.caught.rows]")
        return columns, rows

    async def sees(self, *texts: str) -> str:
        """Waits until all of these show; gives the terminal's text."""

        async def look() -> str | None:
            shown = await self.text()
            return shown if all(one in shown for one in texts) else None

        return await self.until(look, " and ".join(texts))

    async def sees_no_more(self, text: str) -> None:
        """Waits until this does not show."""

        async def look() -> str | None:
            shown = await self.text()
            return shown if text not in shown else None

        await self.until(look, f"the end of {text}")

    async def until(self, look: Callable[[], Awaitable[str | None]], what: str) -> str:
        """What `look` gives, once it gives something; fails with the screen as it is."""
        deadline = time.monotonic() + PATIENCE
        while not (found := await look()):
            if time.monotonic() > deadline:
                complaints = "\n".join(self.complaints)
                pytest.fail(f"waited for {what}\n{await self.text()}\n{complaints}")
            await asyncio.sleep(0.05)
        return found

    async def press(self, key: str) -> None:
        """A key: a character, or Enter, Escape."""
        code = {"Enter": 13, "Escape": 27}.get(key, 0)
        text = {"Enter": "\r", "Escape": ""}.get(key, key)
        down = {"type": "keyDown" if text else "rawKeyDown", "key": key, "text": text}
        await self.ask("Input.dispatchKeyEvent", **down, windowsVirtualKeyCode=code)
        up = {"type": "keyUp", "key": key}
        await self.ask("Input.dispatchKeyEvent", **up, windowsVirtualKeyCode=code)

    async def paste(self, text: str) -> None:
        """What the browser does when somebody pastes into the terminal."""
        script = """((text) => {
          const data = new DataTransfer();
          data.setData('text/plain', text);
          document.activeElement.dispatchEvent(
            new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
        })"""
        await self.value(f"{script}({json.dumps(text)})")

    async def downloads(self, folder: Path) -> None:
        """Puts what is downloaded into this folder."""
        await self.ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    async def clipboard(self) -> str:
        """What was copied."""
        allowed = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        await self.ask("Browser.grantPermissions", permissions=allowed)
        return str(await self.value("navigator.clipboard.readText()"))

    async def picture(self, file: Path) -> tuple[int, int, dict[str, int]]:
        """Writes what is shown as PNG; gives width, height and how many pixels have each colour."""
        png = (await self.ask("Page.captureScreenshot", format="png"))["data"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(png))
        width, height, colours = await self.value(f"{COLOURS}({json.dumps(png)})")
        return width, height, colours

    async def close(self) -> None:
        self._reader.cancel()
        await self._socket.close()


@asynccontextmanager
async def browsing() -> AsyncIterator[Page]:
    """A new browser with one tab, as long as the block lasts."""
    assert CHROMIUM, "chromium is not installed: .ci/run installs it"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            port = await _port(Path(profile) / "DevToolsActivePort", process)
            async with aiohttp.ClientSession() as client:
                async with client.get(f"http://127.0.0.1:{port}/json") as answer:
                    tabs = await answer.json()
                (tab,) = [one for one in tabs if one["type"] == "page"]
                socket = await client.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0)
                page = Page(socket)
                try:
                    yield page
                finally:
                    await page.close()
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + PATIENCE
    while not file.exists() or "\n" not in file.read_text():
        assert process.poll() is None, f"chromium ended with {process.returncode}"
        assert time.monotonic() < deadline, "chromium did not start"
        await asyncio.sleep(0.05)
    return int(file.read_text().split()[0])
