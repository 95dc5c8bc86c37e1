"""From nothing to the chain of one order, as a person does it in a real terminal.

    python -m tests.tui.walk    # starts the demo's shop; writes docs/five-keys.md

Each step is keys, and what must be on the screen afterwards; a screen that never comes ends it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.integration.live_shop import LiveShop, live_shop
from tests.running import eventually
from tests.tui.ansi_svg import picture_of

DOCS = Path(__file__).parents[2] / "docs"
SIZE = (100, 30)
PATIENCE = 30.0


@dataclass(frozen=True)
class Step:
    """What a person does, and what is to be seen then."""

    name: str
    told: str
    keys: tuple[str, ...] = ()
    paste: bool = False
    sees: tuple[str, ...] = ()


STEPS = (
    Step("start", "`flowtap tui` opens on the live graph.", sees=("order.created", "live")),
    Step(
        "find", "`/` asks for an id, of any kind.", keys=("/",), sees=("Find an event by any id",)
    ),
    Step("paste", "Paste it, as it stands in a log.", paste=True, sees=("{order}",)),
    Step(
        "chain",
        "`enter`, and there is what happened because of it: every event, who handled it, how long "
        "that took, and how sure each join is.",
        keys=("Enter",),
        sees=("event, and who handled it", "{position}", "stock.reserved", "payment.completed"),
    ),
)
KEYS = sum(len(step.keys) for step in STEPS)
assert KEYS <= 5


class Terminal:
    """A real one: a tmux of its own with one program in it; also a context manager."""

    def __init__(self, folder: Path, size: tuple[int, int]) -> None:
        self._socket = folder / "tmux"
        self._size = size

    def _tmux(self, *arguments: str, given: str | None = None) -> str:
        command = ["tmux", "-S", str(self._socket), "-f", os.devnull, *arguments]
        ended = subprocess.run(command, input=given, capture_output=True, text=True, timeout=30)
        assert ended.returncode == 0, f"{shlex.join(command)}: {ended.stderr}"
        return ended.stdout

    def run(self, command: list[str], environment: Mapping[str, str]) -> None:
        """Starts the program. The environment comes by a file: it holds a token."""
        columns, rows = (str(one) for one in self._size)
        script = self._socket.with_suffix(".sh")
        script.touch(0o600)
        exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
        exports += ["export TERM=tmux-256color COLORTERM=truecolor", f"exec {shlex.join(command)}"]
        script.write_text("\n".join(exports))
        self._tmux("new-session", "-d", "-x", columns, "-y", rows, f"sh {shlex.quote(str(script))}")

    def press(self, key: str) -> None:
        self._tmux("send-keys", key)

    def paste(self, text: str) -> None:
        """As a terminal pastes: in brackets, if the program asked for that."""
        self._tmux("load-buffer", "-", given=text)
        self._tmux("paste-buffer", "-p")

    def screen(self, *, coloured: bool = False) -> str:
        return self._tmux("capture-pane", "-p", *(["-e"] if coloured else []))

    def sees(self, *texts: str) -> None:
        """Waits until all of these show and the screen has come to rest."""
        before = ""

        def rests() -> bool:
            nonlocal before
            shown, last = self.screen(), before
            before = shown
            return shown == last and all(text in shown for text in texts)

        try:
            eventually(rests, PATIENCE, every=0.2)
        except AssertionError:
            raise AssertionError(f"waited for {' and '.join(texts)}\n{self.screen()}") from None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True)


def walk(shop: LiveShop, size: tuple[int, int] = SIZE) -> Iterator[tuple[Step, str]]:
    """Each step with its screen, as captured. Raises AssertionError with the screen that it got
    stuck on."""
    with (
        tempfile.TemporaryDirectory(prefix="walk-") as folder,
        Terminal(Path(folder), size) as terminal,
    ):
        own = {**shop.environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        terminal.run([sys.executable, "-m", "tui", "tui"], own)
        for step in STEPS:
            for key in step.keys:
                terminal.press(key)
            if step.paste:
                terminal.paste(shop.order)
            terminal.sees(
                *(text.format(order=shop.order, position=shop.position) for text in step.sees)
            )
            yield step, terminal.screen(coloured=True)


def main() -> None:
    """Walks, and writes the page with its pictures."""
    lines = [
        "# From nothing to one order's chain",
        "",
        f"{['No', 'One key', 'Two keys', 'Three keys', 'Four keys', 'Five keys'][KEYS]} and a "
        "paste. `python -m tests.tui.walk` does this on the demo's shop and takes these pictures; "
        "a test does it too, and fails if the chain is not on the screen.",
    ]
    with tempfile.TemporaryDirectory(prefix="walk-") as folder, live_shop(Path(folder)) as shop:
        for number, (step, screen) in enumerate(walk(shop), 1):
            file = f"walk-{number}-{step.name}.svg"
            picture = picture_of(screen, SIZE[0], "flowtap tui")
            (DOCS / file).write_text(picture, encoding="utf-8")
            lines += ["", f"{number}. {step.told}", "", f"   ![{step.name}]({file})"]
    (DOCS / "five-keys.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
