"""What people take with them from the screens, as stories."""

from __future__ import annotations

import csv
import json
import resource
from pathlib import Path

import pytest

from graph.payloads import PayloadKey
from graph.wire.chain import chain_from_dict
from graph.wire.listing import event_row_from_dict
from tests.goldens import assert_golden
from tests.tui.fake import FakeSource
from tests.tui.telling import Story, story
from tui.app import FlowtapApp
from tui.saving import save
from tui.screens.export import ExportScreen

SIZES = [(80, 24), (140, 40)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """flowtap runs here."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def inside(folder: Path) -> list[Path]:
    """What lies there."""
    return list(folder.iterdir())


async def is_told(told: Story, *texts: str) -> None:
    """Waits until a notice says all of these."""
    await told.until(
        lambda: any(all(text in notice for text in texts) for notice in told.notices),
        f"a notice with {' and '.join(texts)}",
    )


async def test_the_graph_for_a_wiki(folder: Path) -> None:
    """I want the picture of our shop in our wiki: e, Enter, and there is a Mermaid file."""
    async with story() as told:
        await told.sees("order.created")
        await told.press("e")
        await told.sees("Export 24 edges between 19 nodes, last 15 min", "mermaid", "graphml")
        await told.press("enter")
        await is_told(told, "24 edges", "as mermaid", "flowtap-graph-20261001-120000.mmd\nin")
    written = (folder / "flowtap-graph-20261001-120000.mmd").read_text()
    assert written.startswith("flowchart LR\n")
    assert written.count("-->") + written.count("-.->") == 24


async def test_documents_say_what_bodies_look_like(folder: Path) -> None:
    """I take AsyncAPI documents from the graph, and they have the schemas."""
    source = FakeSource()
    kind = PayloadKey("kafka", "shop", "order.created", "order.created")
    source.schemas = {kind: {"type": "object", "properties": {"order_id": {"type": "string"}}}}
    async with story(source) as told:
        await told.sees("order.created")
        await told.press("e")
        await told.click("AsyncAPI 3.0")
        await told.press("enter")
        await is_told(told, "as asyncapi")
    (file,) = inside(folder)
    assert "order_id:" in file.read_text()


async def test_only_what_is_shown_is_exported(folder: Path) -> None:
    """One node is in the middle, and I get what is drawn around it, as far as I look."""
    async with story() as told:
        await told.sees("order.created")
        await told.click("payment.captured", times=2)
        await told.sees("graph › payment.captured")
        await told.press("e", "down", "down", "ctrl+u", *"near.json", "enter")
        await is_told(told, "near.json")
        near = json.loads((folder / "near.json").read_text())
        await told.press("plus", "e", "down", "down", "ctrl+u", *"far.json", "enter")
        await is_told(told, "far.json")
    far = json.loads((folder / "far.json").read_text())
    named = {node["id"] for node in near["nodes"]}
    assert all("payment.captured" in str((one["source"], one["target"])) for one in near["edges"])
    assert len(near["edges"]) < len(far["edges"])
    assert named < {node["id"] for node in far["nodes"]}


async def test_the_quiet_stays_out_when_it_is_hidden(folder: Path) -> None:
    """I hide what was quiet, and it is not in my table either."""
    source = FakeSource()
    async with story(source) as told:
        await told.sees("order.created")
        await told.press("i")
        await told.sees("busy only")
        await told.press("e")
        await told.sees("last 15 min, busy only")
        await told.click("csv")
        await told.sees("a row for each edge", ".csv")
        await told.click("Write the file")
        await is_told(told, "as csv")
    (file,) = inside(folder)
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert rows and all(int(row["count"]) > 0 for row in rows)


async def test_a_chain_goes_into_a_bug_report(folder: Path) -> None:
    """I paste an order's chain into a bug report: as a sequence diagram, by the clipboard."""
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        await told.press("e", "down", "ctrl+y")
        await is_told(told, "5 events as sequence")
        assert told.app.clipboard.startswith("sequenceDiagram\n  participant p0 as storefront")
        assert not inside(folder), "nothing was written"


async def test_only_the_problems_of_a_chain(folder: Path) -> None:
    """I look at the problems only, and export only those with what led to them."""
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        await told.press("exclamation_mark", "e")
        await told.sees("only problems")
        await told.click("as the API tells it")
        await told.press("enter")
        await is_told(told, "as json")
        whole = told.app.source.chain("7c1f0d9e-0000")
    chain = chain_from_dict(json.loads((folder / "flowtap-chain-7c1f0d9e-0000.json").read_text()))
    assert 0 < len(chain.events) < len(whole.events)
    assert any(delivery.error for delivery in chain.deliveries)
    assert {one.key for one in chain.deliveries} < {one.key for one in whole.deliveries}


async def test_the_events_of_a_filter(folder: Path) -> None:
    """I filter, and take the rows into another tool."""
    async with story() as told:
        await told.press("2", "f", *"topic:payment.captured", "enter")
        await told.sees("7c1f0d9e-0002")
        await told.press("e")
        await told.sees("Export 1 event, topic:payment.captured")
        await told.press("enter")
        await is_told(told, "as json lines", "flowtap-events-20261001-120000.jsonl")
    (line,) = (folder / "flowtap-events-20261001-120000.jsonl").read_text().splitlines()
    assert event_row_from_dict(json.loads(line)).message_id == "7c1f0d9e-0002"


async def test_who_is_behind_goes_into_a_sheet(folder: Path) -> None:
    """The groups come in the order in which I have sorted them."""
    async with story() as told:
        await told.press("4")
        await told.sees("groups")
        await told.press("s")
        shown = [one.group for one in told.app.screen._table.consumers]  # type: ignore[attr-defined]
        await told.press("e", "down", "enter")
        await is_told(told, "as csv")
    (file,) = inside(folder)
    assert [row["group"] for row in csv.DictReader(file.read_text().splitlines())] == shown


@pytest.mark.parametrize("key", ["1", "2", "4"])
async def test_a_picture_of_any_screen(key: str, folder: Path) -> None:
    """The last format is a picture of the screen, without the dialog."""
    async with story() as told:
        await told.press(key)
        await told.sees("order.created" if key != "4" else "groups")
        await told.press("e", "pagedown", "pagedown")
        await told.sees("▸ svg")
        await told.press("ctrl+y")
        assert isinstance(told.app.screen, ExportScreen), "a picture is no text to copy"
        await told.press("enter")
        await is_told(told, "as svg", ".svg")
    (file,) = inside(folder)
    picture = file.read_text()
    assert "1&#160;Graph" in picture
    assert "Write&#160;the" not in picture


async def test_a_picture_without_what_popped_up(folder: Path) -> None:
    """What I was told just before is not in the picture."""
    source = FakeSource()
    app = FlowtapApp(source, clock=source.clock)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        told = Story(app, pilot)
        await told.sees("order.created")
        app.notify("popped up before", timeout=60)
        await told.sees("popped up before")
        await told.press("e", "pagedown", "pagedown", "enter")
        await told.sees("Exported")
    (file,) = inside(folder)
    assert "popped" not in file.read_text()


async def test_what_is_there_is_not_written_over_silently(folder: Path) -> None:
    """The file is there already: I am asked, choose another name, then agree to write over it."""
    mine = folder / "flowtap-chain-7c1f0d9e-0000.mmd"
    mine.write_text("mine")
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        await told.press("e", "enter")
        await told.sees("is there already", "Write over it")
        assert mine.read_text() == "mine"
        await told.press("left", "left", "left", "left", "2", "enter")
        await is_told(told, "flowtap-chain-7c1f0d9e-00002.mmd")
        assert mine.read_text() == "mine"
        await told.press("e", "enter")
        await told.sees("is there already")
        await told.press("enter")
        await is_told(told, "flowtap-chain-7c1f0d9e-0000.mmd\nin")
    assert mine.read_text().startswith("flowchart LR")
    assert len(inside(folder)) == 2


async def test_a_file_that_cannot_be_written(folder: Path) -> None:
    """There is no such folder: I am told, and can correct the name at once."""
    async with story() as told:
        await told.sees("order.created")
        await told.press("e", "home", *"gone/", "enter")
        await told.sees("Not written: No such file or directory.")
        await told.press("home", *["delete"] * 5, "enter")
        await is_told(told, "flowtap-graph-20261001-120000.mmd\nin")
        await told.press("e", "ctrl+u", "enter")
        await told.sees("Give the file a name.")
        await told.press(*str(folder), "enter")
        await told.sees("This is a folder")
        await told.press("escape")
        await told.sees("producers")


def test_no_room_leaves_nothing_half_written(folder: Path) -> None:
    there = folder / "there"
    there.write_text("mine")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        for file, over in ((folder / "new", False), (there, True)):
            with pytest.raises(OSError, match="too large"):
                save("x" * 10_000, file, over=over)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [(one.name, one.read_text()) for one in folder.iterdir()] == [("there", "mine")]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_dialog_looks_so(size: tuple[int, int]) -> None:
    async with story(size=size) as told:
        await told.waits_a_while()
        await told.sees("2.0/s", "in 212/s")
        await told.press("e", "down")
        await told.sees("Export 24 edges")
        await told.rests()
        assert_golden(f"tui/export-{size[0]}x{size[1]}.txt", told.screen)
