"""What people give to colleagues, as stories."""

from __future__ import annotations

import shlex

import pytest

from graph.topology import NodeKey, NodeKind
from tests.goldens import assert_golden
from tests.tui.telling import story
from tui.cli import TABLE, load
from tui.drawing.links import Link, caution, event_links, group_links, node_links
from tui.source import Address

SIZES = [(80, 24), (140, 40)]
URL = "http://127.0.0.1:8411"
ADDRESSES = [Address(URL), Address(store="/var/lib/flowtap"), Address(files=("a b.json", "c"))]


async def test_a_colleague_gets_the_chain_that_i_look_at() -> None:
    """Y offers what leads here; Enter copies the command that opens this very event."""
    async with story(find="7c1f0d9e-0000") as told:
        await told.sees("◉ order.created")
        await told.press("Y")
        await told.sees("Copy what leads here", "127.0.0.1 is this machine")
        await told.press("down", "enter")
        assert told.app.clipboard == f"flowtap tui --find=order.created/0/1042 --url {URL}"
        assert told.notices[-1] == told.app.clipboard
        await told.press("Y")
        await told.click("/api/v1/chain")
        assert told.app.clipboard == f"{URL}/api/v1/chain/order.created/0/1042"
        await told.press("y")
        assert told.app.clipboard == "7c1f0d9e-0000", "y alone copies the id at once"


async def test_links_from_every_screen() -> None:
    """A node, an event in the list, a group: each has a command and an address."""
    async with story() as told:
        await told.sees("order.created")
        await told.press("Y", "down", "enter")
        assert told.app.clipboard == f"flowtap graph --destination=order.created --url {URL}"
        await told.press("2")
        await told.sees("7c1f0d9e-0000")
        await told.press("home", "Y", "down", "down", "enter")
        assert told.app.clipboard == f"flowtap trace order.created/0/1042 --url {URL}"
        await told.press("4")
        await told.sees("groups")
        await told.press("Y", "down", "enter")
        assert told.app.clipboard.startswith("flowtap consumers ")


async def test_nothing_selected_has_no_link() -> None:
    """I ask for a link where nothing is found yet, and am told."""
    async with story(find="gone") as told:
        await told.sees("Nothing found")
        await told.press("Y")
        await told.until(lambda: bool(told.notices), "a notice")
        assert "Nothing is selected" in told.notices[-1]


NODES = [NodeKey(kind, "pay*[x]") for kind in NodeKind]


@pytest.mark.parametrize("address", ADDRESSES, ids=["collector", "store", "files"])
@pytest.mark.parametrize(
    "links",
    [
        event_links,
        group_links,
        *(lambda _, address, key=key: node_links(key, address) for key in NODES),
    ],
)
@pytest.mark.parametrize("name", ["a b/0/1", "-dash", "it's"])
def test_every_command_is_understood(links, address: Address, name: str) -> None:  # type: ignore[no-untyped-def]
    """The command line takes each command that a link gives."""

    commands = [
        shlex.split(link.text) for link in links(name, address) if link.text.startswith("flowtap ")
    ]
    assert commands
    for _, command, *rest in commands:
        entry = next(one for one in TABLE if one.name == command)
        context = load(entry).make_context(command, rest)
        given = {key: value for key, value in context.params.items() if value}
        assert given.get("url", "") == address.url
        asked = [given.get(key) for key in ("id", "find", "group", "services", "destinations")]
        assert [one for one in asked if one] in ([name], [["pay[*][[]x]"]])


def test_an_api_is_named_only_where_one_answers() -> None:
    assert Link("API", f"{URL}/api/v1/chain/a%20b/0/1") in event_links("a b/0/1", ADDRESSES[0])
    assert [link.what for link in event_links("a", ADDRESSES[1])] == ["id", "screen", "command"]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (Address("http://[::1]:8411"), "this machine"),
        (Address("http://localhost:8411"), "this machine"),
        (Address("https://flowtap.shop:443"), "FLOWTAP_API_TOKEN"),
        (Address(files=("a",)), "same files"),
    ],
)
def test_what_stands_in_the_way_of_others_is_said(address: Address, said: str) -> None:
    assert said in caution(address)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_links_look_so(size: tuple[int, int]) -> None:
    async with story(size=size, find="7c1f0d9e-0000") as told:
        await told.waits_a_while()
        await told.sees("◉ order.created  …1 ?1 ›1  by", "in 212/s")
        await told.press("Y", "down")
        await told.sees("▸ screen")
        await told.rests()
        assert_golden(f"tui/links-{size[0]}x{size[1]}.txt", told.screen)
