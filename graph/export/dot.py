"""Graphviz DOT."""

from __future__ import annotations

from graph.export.picture import Picture, Shape

SHAPES = {
    Shape.SERVICE: "box",
    Shape.DESTINATION: "cylinder",
    Shape.GROUP: "box",
    Shape.PEER: "component",
    Shape.UNKNOWN: "ellipse",
    Shape.EVENT: "note",
    Shape.DELIVERY: "box",
}

FAILED = "#b3261e"


def dot(picture: Picture) -> str:
    """A digraph, left to right; nodes are `n0`, `n1`, ..., names stand in their labels."""
    rows = ["digraph flowtap {", "  rankdir=LR;"]
    for place, node in enumerate(picture.nodes):
        attributes = {"label": _label(node.lines), "shape": SHAPES[node.shape]}
        rows.append(f"  n{place} [{_attributes(attributes, node.dashed, node.failed)}];")
    for line in picture.lines:
        attributes = {"label": _label(line.lines)} if line.lines else {}
        text = _attributes(attributes, line.dashed, line.failed)
        rows.append(f"  n{line.source} -> n{line.target}" + (f" [{text}];" if text else ";"))
    return "\n".join((*rows, "}")) + "\n"


def _attributes(attributes: dict[str, str], dashed: bool, failed: bool) -> str:
    if dashed:
        attributes["style"] = "dashed"
    if failed:
        attributes["color"] = f'"{FAILED}"'
    return ", ".join(f"{name}={value}" for name, value in attributes.items())


def _label(lines: tuple[str, ...]) -> str:
    return '"' + "\\n".join(_escaped(line) for line in lines) + '"'


def _escaped(text: str) -> str:
    """In a quoted string only the quote has to be escaped, and what `\\N` and the like mean."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown.replace("\\", "\\\\").replace('"', '\\"')
