"""Draws the README's pictures: python -m tests.tui.picture [URL | FILE...] [--find ID].

Without a source it draws a made-up shop, the same each time.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

from tests.tui.fake import FakeSource
from tests.tui.findings import findings
from tests.tui.telling import Story
from tui.app import FlowtapApp
from tui.client import open_source
from tui.source import Source

DOCS = Path(__file__).parents[2] / "docs"
SIZE = (118, 34)


async def picture(source: Source, *keys: str, find: str = "", first: str = "", sees: str) -> str:
    """The screen that the `first` key leads to as SVG, once it shows what it should."""
    clock = source.clock if isinstance(source, FakeSource) else time.time_ns
    app = FlowtapApp(source, find=find, clock=clock)
    async with app.run_test(size=SIZE) as pilot:
        told = Story(app, pilot)
        if isinstance(source, FakeSource):
            await told.waits_a_while()
        if first:
            await told.press(first)
        await told.sees(sees, "/s   stored" if source.live else "recorded")
        # A rate that is not known yet would say nothing on a picture.
        await told.sees_no_more(" … ")
        await told.press(*keys)
        return app.export_screenshot(title="flowtap")


def main() -> None:
    """Writes docs/flowtap.svg, docs/chain.svg and, of the made-up shop, docs/findings.svg."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", nargs="*", help="a collector's URL, or recorded files")
    parser.add_argument("--find", default="7c1f0d9e-0000", help="whose chain is drawn")
    given = parser.parse_args()
    source: Source = FakeSource()
    if given.source and given.source[0].startswith("http"):
        source = open_source(given.source[0])
    elif given.source:
        source = open_source(files=[Path(name) for name in given.source])
    made_up = not given.source
    graph = picture(source, "right", "down", "down", "down", sees="consumers")
    (DOCS / "flowtap.svg").write_text(asyncio.run(graph), encoding="utf-8")
    source = FakeSource() if made_up else source
    chain = picture(source, find=given.find, sees="fate at")
    (DOCS / "chain.svg").write_text(asyncio.run(chain), encoding="utf-8")
    source.close()
    if made_up:
        troubled = FakeSource()
        troubled.found = findings()
        found = picture(troubled, sees="dead-letter", first="5")
        (DOCS / "findings.svg").write_text(asyncio.run(found), encoding="utf-8")


if __name__ == "__main__":
    main()
