"""What a person can do, in one table: footer, command palette, help and key bindings use it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """Where an action works."""

    EVERYWHERE = "Everywhere"
    GRAPH = "Graph"
    EVENTS = "Events"
    CHAIN = "Chain"
    CONSUMERS = "Consumers"
    FINDINGS = "Findings"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do; a screen does it in its method `action_<name>`."""

    name: str
    keys: tuple[str, ...]
    """As Textual calls them; the first is the one that is shown."""
    label: str
    """A word or two, for the footer and the palette."""
    help: str
    """One sentence."""
    places: tuple[Place, ...]
    shown: bool = False
    """In the footer, too."""

    @property
    def written(self) -> str:
        """The keys as a person reads them."""
        return " ".join(_SIGNS.get(key, key) for key in self.keys)

    @property
    def key(self) -> str:
        """The first key, as a person reads it."""
        return _SIGNS.get(self.keys[0], self.keys[0])


_SIGNS = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "escape": "esc",
    "slash": "/",
    "question_mark": "?",
    "exclamation_mark": "!",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "alt+left": "alt+←",
    "alt+right": "alt+→",
    "shift+up": "shift+↑",
    "shift+down": "shift+↓",
    "pageup": "pgup",
    "pagedown": "pgdn",
}

_EVERY = (Place.EVERYWHERE,)
_LISTS = (Place.GRAPH, Place.EVENTS, Place.CHAIN, Place.CONSUMERS, Place.FINDINGS)

ACTIONS = (
    Action(
        "open",
        ("enter",),
        "Open",
        "Go on from what is selected: put a node in the middle, open an event's chain, go to where "
        "something is drawn, or to what proves it.",
        _LISTS,
        shown=True,
    ),
    Action("up", ("up", "k"), "Up", "Select what is above.", _LISTS),
    Action("down", ("down", "j"), "Down", "Select what is below.", _LISTS),
    Action("page_up", ("pageup",), "Page up", "Select a page further up.", _LISTS),
    Action("page_down", ("pagedown",), "Page down", "Select a page further down.", _LISTS),
    Action("first", ("home", "g"), "First", "Select the first.", _LISTS),
    Action("last", ("end", "G"), "Last", "Select the last.", _LISTS),
    Action("left", ("left", "h"), "Left", "Select what leads here.", (Place.GRAPH,)),
    Action("right", ("right", "l"), "Right", "Select what this leads to.", (Place.GRAPH,)),
    Action(
        "search",
        ("f",),
        "Search",
        "Search the graph: type a part of a name, Enter goes there.",
        (Place.GRAPH,),
        shown=True,
    ),
    Action(
        "its_events",
        ("E",),
        "Its events",
        "List the events of what is selected; Enter on the node in the middle does so, too.",
        (Place.GRAPH,),
    ),
    Action(
        "table",
        ("t",),
        "Table",
        "Show the graph as a table, or as a graph again.",
        (Place.GRAPH,),
        shown=True,
    ),
    Action(
        "map",
        ("m",),
        "Map",
        "Show the graph as a map in layers, or as a flow again.",
        (Place.GRAPH,),
        shown=True,
    ),
    Action(
        "sort",
        ("s",),
        "Sort",
        "Sort the table by the next column; so does a click on a column's name.",
        (Place.GRAPH, Place.CONSUMERS, Place.FINDINGS),
    ),
    Action(
        "reverse",
        ("S",),
        "Reverse",
        "Sort the table the other way round.",
        (Place.GRAPH, Place.CONSUMERS, Place.FINDINGS),
    ),
    Action(
        "more",
        ("plus", "equals_sign"),
        "More",
        "Around the node in the middle look one hop further; show a map larger.",
        (Place.GRAPH,),
    ),
    Action(
        "less",
        ("minus",),
        "Less",
        "Around the node in the middle look one hop less far; show a map smaller.",
        (Place.GRAPH,),
    ),
    Action(
        "window",
        ("w",),
        "Window",
        "Count over another time: the last 5 minutes, 15 minutes, hour, or everything.",
        (Place.GRAPH,),
        shown=True,
    ),
    Action(
        "interval",
        ("W",),
        "Interval",
        "Count over a time that you type, also a past one: 90m, 2h..1h, or two dates.",
        (Place.GRAPH,),
    ),
    Action(
        "compare",
        ("c",),
        "Compare",
        "Compare with the time just before, as long as the window: what is new, gone, changed.",
        (Place.GRAPH,),
    ),
    Action(
        "busy",
        ("i",),
        "Busy only",
        "Hide what was quiet in the window; while comparing, what has not changed.",
        (Place.GRAPH,),
    ),
    Action(
        "pause",
        ("p", "space"),
        "Pause",
        "Hold the list still, or let it follow what happens again.",
        (Place.EVENTS,),
        shown=True,
    ),
    Action(
        "waiting",
        ("w",),
        "Waiting",
        "List the events that the selected group has not consumed yet, from the oldest on.",
        (Place.CONSUMERS,),
        shown=True,
    ),
    Action(
        "proof",
        ("p",),
        "Proof",
        "Go to what proves the selected finding, where Enter opens it, and back.",
        (Place.FINDINGS,),
        shown=True,
    ),
    Action(
        "in_graph",
        ("i",),
        "In graph",
        "Go to where the selected group, or whom the selected finding is about, is in the graph.",
        (Place.CONSUMERS, Place.FINDINGS),
        shown=True,
    ),
    Action(
        "filter",
        ("f",),
        "Filter",
        "Show only what fits: events by topic, type, key, service, error, time, any id; findings "
        "by kind, service, destination, state, time.",
        (Place.EVENTS, Place.FINDINGS),
        shown=True,
    ),
    Action(
        "types",
        ("t",),
        "Types",
        "Go to the counts by type, where Enter shows only that type, and back.",
        (Place.EVENTS,),
        shown=True,
    ),
    Action("columns", ("c",), "Columns", "Choose the columns of the list.", (Place.EVENTS,)),
    Action(
        "cause",
        ("left", "h"),
        "Cause",
        "Go up to what led here; where there are several causes, again for the next one.",
        (Place.CHAIN,),
        shown=True,
    ),
    Action(
        "effect",
        ("right", "l"),
        "Effect",
        "Go down to the first thing that this led to, unfolding it.",
        (Place.CHAIN,),
        shown=True,
    ),
    Action(
        "next",
        ("right_square_bracket", "n"),
        "Next",
        "Go to the next one beside this, below the same cause.",
        (Place.CHAIN,),
    ),
    Action(
        "previous",
        ("left_square_bracket", "N"),
        "Previous",
        "Go to the one before this, below the same cause.",
        (Place.CHAIN,),
    ),
    Action(
        "fold",
        ("space",),
        "Fold",
        "Hide or show what this led to.",
        (Place.CHAIN,),
    ),
    Action(
        "view",
        ("v",),
        "View",
        "Draw the chain as a tree, as a sequence diagram, or as a timeline.",
        (Place.CHAIN,),
        shown=True,
    ),
    Action(
        "problems",
        ("exclamation_mark",),
        "Problems",
        "Show only what failed, was retried or given up, still waits, came too early, or left no "
        "trace where it should have been handled; again for all.",
        (Place.CHAIN,),
    ),
    Action(
        "critical",
        ("x",),
        "Critical path",
        "Show only the way to what ended last; again for all.",
        (Place.CHAIN,),
    ),
    Action(
        "why",
        ("w",),
        "Why",
        "Tell what became of the selected event at each consumer; again for the details.",
        (Place.CHAIN,),
        shown=True,
    ),
    Action(
        "explain",
        ("X",),
        "Explain",
        "Tell what was tried to join the selected event, and what was found; again for the "
        "details.",
        (Place.CHAIN,),
    ),
    Action("fold_all", ("minus",), "Fold all", "Show only the first level.", (Place.CHAIN,)),
    Action("unfold_all", ("plus",), "Unfold all", "Show everything.", (Place.CHAIN,)),
    Action(
        "details",
        ("d",),
        "Details",
        "Show or hide the details of what is selected.",
        _LISTS,
        shown=True,
    ),
    Action(
        "details_down",
        ("J", "shift+down"),
        "Details down",
        "Scroll the details down.",
        _LISTS,
    ),
    Action(
        "details_up",
        ("K", "shift+up"),
        "Details up",
        "Scroll the details up.",
        _LISTS,
    ),
    Action(
        "copy",
        ("y",),
        "Copy",
        "Copy the id, or name, of what is selected.",
        _LISTS,
    ),
    Action(
        "link",
        ("Y",),
        "Link",
        "Copy what leads others to what is selected: a command line, or an address of the API.",
        _LISTS,
    ),
    Action(
        "export",
        ("e",),
        "Export",
        "Write what is shown to a file or the clipboard: Mermaid, DOT, JSON, CSV, a picture.",
        _LISTS,
    ),
    Action(
        "find",
        ("slash",),
        "Find",
        "Type or paste any id: message, event, trace, span, correlation, topic/partition/offset.",
        _EVERY,
        shown=True,
    ),
    Action("graph", ("1",), "Graph", "Who talks to whom, now.", _EVERY),
    Action("events", ("2",), "Events", "What is passing by, the newest at the bottom.", _EVERY),
    Action("chain", ("3",), "Chain", "The chain that was looked at last.", _EVERY),
    Action("consumers", ("4",), "Consumers", "Who is behind, and by how much.", _EVERY),
    Action("findings", ("5",), "Findings", "What did not happen, or not as it should.", _EVERY),
    Action(
        "theme",
        ("T",),
        "Theme",
        "Dark, light, high contrast; --theme or FLOWTAP_THEME keeps one.",
        _EVERY,
    ),
    Action("help", ("question_mark",), "Help", "Show this.", _EVERY, shown=True),
    Action(
        "back",
        ("escape", "backspace", "alt+left"),
        "Back",
        "Go back to where you came from.",
        _EVERY,
        shown=True,
    ),
    Action("forward", ("F", "alt+right"), "Forward", "Go where you came back from.", _EVERY),
    Action(
        "command_palette",
        ("ctrl+p",),
        "Commands",
        "Search what can be done here, and do it; so does a click on flowtap, top left.",
        _EVERY,
    ),
    Action(
        "quit", ("q", "ctrl+q"), "Quit", "Leave flowtap; a collector goes on.", _EVERY, shown=True
    ),
)


def actions_of(place: Place) -> tuple[Action, ...]:
    """What can be done at a place, without what can be done everywhere."""
    return tuple(action for action in ACTIONS if place in action.places)
