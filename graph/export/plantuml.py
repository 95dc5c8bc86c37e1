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

JOINING = set("-_/:")
"""Those that mean nothing between two letters or digits."""


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
    return "\\n".join(_plain(line) or " " for line in lines)


def _plain(line: str) -> str:
    """Characters as they are, or by their codes: PlantUML finds markup, variables and functions
    everywhere. What joins two words is nothing of that, as long as it is alone."""
    told = []
    for at, char in enumerate(line):
        joins = char in JOINING and line[at - 1 : at].isalnum() and line[at + 1 : at + 2].isalnum()
        if not char.isprintable():
            told.append(" ")
        elif char.isalnum() or char in PLAIN or joins:
            told.append(char)
        else:
            told.append(f"<U+{ord(char):04X}>")
    return "".join(told)
