"""PlantUML component diagrams."""

from __future__ import annotations

from graph.export.picture import Picture, Shape

SHAPES = {
    Shape.SERVICE: "component",
    Shape.DESTINATION: "queue",
    Shape.GROUP: "collections",
    Shape.PEER: "component",
    Shape.UNKNOWN: "cloud",
    Shape.EVENT: "file",
    Shape.DELIVERY: "component",
}

PLAIN = set(" ,.()+")
"""Characters besides letters and digits that mean nothing to PlantUML where they stand here."""


def plantuml(picture: Picture) -> str:
    """Left to right; nodes are `n0`, `n1`, ..., names stand in their labels."""
    rows = ["@startuml", "left to right direction"]
    for place, node in enumerate(picture.nodes):
        style = "".join(
            (" #line.dashed" if node.dashed else "", " #line:b3261e" if node.failed else "")
        )
        rows.append(f'{SHAPES[node.shape]} "{_label(node.lines)}" as n{place}{style}')
    for line in picture.lines:
        arrow = ("." if line.dashed else "-") + ("[#b3261e]" if line.failed else "")
        arrow += ".>" if line.dashed else "->"
        label = f" : {_label(line.lines)}" if line.lines else ""
        rows.append(f"n{line.source} {arrow} n{line.target}{label}")
    return "\n".join((*rows, "@enduml")) + "\n"


def _label(lines: tuple[str, ...]) -> str:
    return "\\n".join("".join(map(_character, line)) or " " for line in lines)


def _character(char: str) -> str:
    """As it is, or by its code: PlantUML finds markup, variables and functions everywhere."""
    if not char.isprintable():
        return " "
    if char.isalnum() or char in PLAIN:
        return char
    return f"<U+{ord(char):04X}>"
