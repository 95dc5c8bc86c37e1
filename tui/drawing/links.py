"""What leads others to what is selected: its id, command lines, an address of the API."""

from __future__ import annotations

import glob
import ipaddress
import shlex
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from graph.findings.model import Finding
from graph.topology import NodeKey, NodeKind
from tui.drawing.segments import Line, Segment, fit, line, pad, printable
from tui.source import Address


class Link(NamedTuple):
    """A text to copy."""

    what: str
    text: str


def event_links(id: str, address: Address) -> tuple[Link, ...]:
    """To the chain of an event, by an id that names it."""
    # What begins with a dash would be taken for an option.
    trace = [id, *address.options] if not id.startswith("-") else [*address.options, "--", id]
    return _links(
        Link("id", id),
        Link("screen", shlex.join(["flowtap", "tui", f"--find={id}", *address.shown_by])),
        Link("command", shlex.join(["flowtap", "trace", *trace])),
        Link("API", address.api("chain", id)),
    )


def node_links(node: NodeKey, address: Address) -> tuple[Link, ...]:
    """To a node of the graph with its edges."""
    on_destination = node.kind in (NodeKind.DESTINATION, NodeKind.UNKNOWN)
    end = "destination" if on_destination else "service"
    pattern = glob.escape(node.name)
    return _links(
        Link("name", node.name),
        Link("command", shlex.join(["flowtap", "graph", f"--{end}={pattern}", *address.options])),
        Link("API", address.api("topology", **{end: pattern})),
    )


def group_links(group: str, address: Address) -> tuple[Link, ...]:
    """To a consumer group."""
    named = (
        [group, *address.options] if not group.startswith("-") else [*address.options, "--", group]
    )
    return _links(
        Link("group", group),
        Link("command", shlex.join(["flowtap", "consumers", *named])),
        Link("API", address.api("consumers")),
    )


def finding_links(finding: Finding, address: Address) -> tuple[Link, ...]:
    """To the findings of its kind about the same; its sentence, for those who only read."""
    subject = finding.subject
    who, place = (
        glob.escape(name) for name in (subject.service or subject.group, subject.destination)
    )
    given = [f"--kind={finding.kind.value}"]
    given += [f"--service={who}"] * bool(who) + [f"--destination={place}"] * bool(place)
    asked = {"kind": finding.kind.value} | ({"service": who} if who else {})
    asked |= {"destination": place} if place else {}
    return _links(
        Link("sentence", finding.sentence),
        Link("command", shlex.join(["flowtap", "findings", *given, *address.options])),
        Link("API", address.api("findings", **asked)),
    )


def _links(*links: Link) -> tuple[Link, ...]:
    return tuple(link for link in links if link.text)


def link_lines(links: Sequence[Link], width: int) -> list[Line]:
    """A line for each; targets are the links."""
    lines = []
    for link in links:
        row = line(
            Segment(" "), Segment(pad(f" {link.what}", 10), "key"), Segment(printable(link.text))
        )
        lines.append(tuple(part._replace(target=link) for part in fit(row, width)))
    return lines


def caution(address: Address) -> str:
    """What others must know before they use a link; empty where nothing is in the way."""
    if not address.url:
        return "What is asked lies on this machine: others need the same files."
    host = urlsplit(address.url).hostname or ""
    if host == "localhost" or _is_loopback(host):
        return f"{host} is this machine: on another one, write its name instead."
    return "A collector with a token wants it in FLOWTAP_API_TOKEN."


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
