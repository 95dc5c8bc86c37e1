"""Mermaid flowcharts, as GitHub and many editors show them."""

from __future__ import annotations

from graph.export.picture import Node, Picture, Shape

SHAPES = {
    Shape.SERVICE: ("[", "]"),
    Shape.DESTINATION: ("[(", ")]"),
    Shape.GROUP: ("([", "])"),
    Shape.PEER: ("[[", "]]"),
    Shape.UNKNOWN: ("{{", "}}"),
    Shape.EVENT: ("(", ")"),
    Shape.DELIVERY: ("[", "]"),
}

FAILED = "#b3261e"

SPECIAL = set('"#&<>|`%\\:;')
"""Characters that some version of Mermaid takes for its own even in a quoted label."""


def mermaid(picture: Picture) -> str:
    """A flowchart, left to right; nodes are `n0`, `n1`, ..., names stand in their labels."""
    rows = ["flowchart LR"]
    rows += [f"  n{place}{_node(node)}" for place, node in enumerate(picture.nodes)]
    for line in picture.lines:
        arrow = "-.->" if line.dashed else "-->"
        label = f"|{_label(line.lines)}|" if line.lines else ""
        rows.append(f"  n{line.source} {arrow}{label} n{line.target}")
    for name, style, places in (
        ("dashed", "stroke-dasharray: 4 3", _places(picture, "dashed")),
        ("failed", f"stroke: {FAILED}", _places(picture, "failed")),
    ):
        if places:
            rows.append(f"  classDef {name} {style}")
            rows.append(f"  class {','.join(places)} {name}")
    failed = [str(place) for place, line in enumerate(picture.lines) if line.failed]
    if failed:
        rows.append(f"  linkStyle {','.join(failed)} stroke: {FAILED}")
    return "\n".join(rows) + "\n"


def _places(picture: Picture, field: str) -> list[str]:
    return [f"n{place}" for place, node in enumerate(picture.nodes) if getattr(node, field)]


def _node(node: Node) -> str:
    before, after = SHAPES[node.shape]
    return f"{before}{_label(node.lines)}{after}"


def _label(lines: tuple[str, ...]) -> str:
    """A quoted label; a line that could be read as Markdown or markup is spelt in entities."""
    return '"' + "<br/>".join(escaped(line) for line in lines) + '"'


def escaped(text: str) -> str:
    """Text that no diagram takes for its own: one line, entities for what is special."""
    shown = (char if char.isprintable() else " " for char in text)
    return "".join(f"#{ord(char)};" if char in SPECIAL else char for char in shown) or " "
