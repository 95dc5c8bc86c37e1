"""A comparison for people, for a pull request, and as data."""

from __future__ import annotations

from typing import Any

from graph.diff_report import How, Item, Report, Side, What
from graph.edges import Role
from graph.wire.facts import iso, times

SIGNS = {
    How.NEW: "+",
    How.GONE: "-",
    How.MORE: "▲",
    How.LESS: "▼",
    How.FAILS: "✗",
    How.RECOVERED: "✓",
}

HEADINGS = {
    How.NEW: "New",
    How.GONE: "Gone",
    How.MORE: "More than before",
    How.LESS: "Less than before",
    How.FAILS: "Errors that are new, or more",
    How.RECOVERED: "Errors that are gone, or fewer",
}

VERBS = {Role.PRODUCE: "produces", Role.CONSUME: "consumes", Role.CALL: "calls"}


def heading(report: Report, how: How) -> str:
    """What a section is called: of something declared it says which of both there is."""
    declared = (report.before.declared, report.after.declared)
    if declared == (True, False):
        return {How.NEW: "Seen but not documented", How.GONE: "Documented but never seen"}[how]
    if declared == (False, True):
        return {How.NEW: "Documented but never seen", How.GONE: "Seen but not documented"}[how]
    return HEADINGS[how]


def text(report: Report) -> str:
    """Sections with a line for each change."""
    rows = [f"A  {_side(report.before)}", f"B  {_side(report.after)}", _summary(report)]
    for how in How:
        items = report.of(how)
        if not items:
            continue
        rows += ["", heading(report, how)]
        told = [(_sentence(item), _figures(report, item)) for item in items]
        wide = min(64, max(len(sentence) for sentence, _ in told))
        for sentence, figures in told:
            rows.append(f"  {SIGNS[how]} {sentence:<{wide}}  {figures}".rstrip())
    if report.notes:
        rows += ["", *report.notes]
    return "\n".join(_shown(row) for row in rows) + "\n"


def markdown(report: Report) -> str:
    """For a pull request: a table for each kind of change."""
    rows = [f"**{_summary(report)}**", ""]
    rows += [
        f"A: {_cell(_side(report.before))}  ",
        f"B: {_cell(_side(report.after))}",
    ]
    for how in How:
        items = report.of(how)
        if not items:
            continue
        rows += ["", f"### {heading(report, how)}", ""]
        figures = ["A", "B"] if report.counted else []
        rows.append(_row(["who", "does", "what", "event types", *figures]))
        rows.append(_row(["---"] * 4 + ["---:"] * len(figures)))
        for item in items:
            cells = [
                _cell(_who(item)),
                VERBS[item.role],
                _cell(item.place),
                ", ".join(map(_cell, item.event_types)),
            ]
            if report.counted:
                cells += list(_sides(report, item))
            rows.append(_row(cells))
    if report.notes:
        rows += ["", *map(_cell, report.notes)]
    return "\n".join(rows) + "\n"


def data(report: Report) -> dict[str, Any]:
    """`a`, `b`, `counted`, `rated`, `notes`, and `changes`: `what`, `how`, `role`, `application`,
    `unknown`, `place`, `group`, `event_types`, and `a` and `b` with `count`, `errors` and, per
    minute, `rate`."""
    minutes = report.before.minutes, report.after.minutes

    def figures(item: Item, side: int) -> dict[str, Any]:
        long = minutes[side]
        rate = item.count[side] / long if report.counted and long else None
        return {"count": item.count[side], "errors": item.errors[side], "rate": rate}

    return {
        "a": _side_data(report.before),
        "b": _side_data(report.after),
        "counted": report.counted,
        "rated": report.rated,
        "notes": list(report.notes),
        "changes": [
            {
                "what": item.what.value,
                "how": item.how.value,
                "role": item.role.value,
                "application": item.application,
                "unknown": item.unknown,
                "place": item.place,
                "group": item.group,
                "event_types": list(item.event_types),
                "a": figures(item, 0),
                "b": figures(item, 1),
            }
            for item in report.items
        ],
    }


def _side_data(side: Side) -> dict[str, Any]:
    topology = side.topology
    return {
        "name": side.name,
        "declared": side.declared,
        **times("start", topology.start),
        **times("end", topology.end),
    }


def _side(side: Side) -> str:
    if side.declared:
        return f"{side.name}, declared"
    start, end = (iso(time) for time in (side.topology.start, side.topology.end))
    window = (
        f"{start[:19]}Z" if start else "the beginning",
        f"{end[:19]}Z" if end else "now",
    )
    return f"{side.name}, from {window[0]} to {window[1]}"


def _summary(report: Report) -> str:
    if not report.items:
        return "No difference."
    counts = {how: len(report.of(how)) for how in How}
    if not report.counted:
        parts = [
            f"{counts[how]} {heading(report, how)[0].lower()}{heading(report, how)[1:]}"
            for how in (How.GONE, How.NEW)
            if counts[how]
        ]
        return ", ".join(parts) + "."
    names = {
        How.NEW: "new",
        How.GONE: "gone",
        How.MORE: "more",
        How.LESS: "less",
        How.FAILS: "failing",
        How.RECOVERED: "recovered",
    }
    return ", ".join(f"{counts[how]} {names[how]}" for how in How if counts[how]) + "."


def _who(item: Item) -> str:
    if item.what is What.CONSUMER and item.group and item.group != item.application:
        return f"{item.application} as {item.group}"
    return item.application


def _sentence(item: Item) -> str:
    if item.what is What.EVENT_TYPE:
        return f"{_who(item)} {VERBS[item.role]} {', '.join(item.event_types)} on {item.place}"
    types = [name for name in item.event_types if name != item.place]
    of = f": {', '.join(types)}" if types else ""
    return f"{_who(item)} {VERBS[item.role]} {item.place}{of}"


def _figures(report: Report, item: Item) -> str:
    if not report.counted:
        return ""
    before, after = _sides(report, item)
    if item.how is How.NEW:
        return after
    return f"was {before}" if item.how is How.GONE else f"{before} → {after}"


def _sides(report: Report, item: Item) -> tuple[str, str]:
    """Errors of counts where these are what changed, else the pace, else the counts."""
    if item.how in (How.FAILS, How.RECOVERED):
        pairs = zip(item.errors, item.count, strict=True)
        before, after = (f"{failed:,} of {count:,} failed" for failed, count in pairs)
        return before, after
    minutes = (report.before.minutes, report.after.minutes)
    told = []
    for count, long in zip(item.count, minutes, strict=True):
        told.append(f"{_pace(count / long)}/min" if report.rated and long else f"{count:,}")
    return told[0], told[1]


def _pace(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.2g}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


_MARKUP = {ord(char): f"\\{char}" for char in "\\`*_[]<>|~&"}


def _cell(words: str) -> str:
    """Words as Markdown that means nothing but them."""
    return _shown(words).translate(_MARKUP)


def _shown(words: str) -> str:
    return "".join(char if char.isprintable() else " " for char in words)
