"""Which findings are asked for, as a person writes it: `kind:lost service:pay* state:open`.

    FIELD:VALUE       in any case; of services and destinations `*` stands for anything
    FIELD:A,B         either
    since: until:     a time, as in 15m, 2h or 2026-01-31T12:00:00Z
    muted:no          without those that are muted

Different fields must all fit. Words, quotes and completions are those of `graph.filter`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from graph.completion import TIMES, Completion, Option
from graph.filter import FilterError, Word, quoted, words
from graph.findings.model import Finding, Kind, State
from graph.findings.wanted import Wanted
from graph.moments import EXAMPLES, MomentError, moment
from graph.topology import NodeKind, Topology

MEANINGS = {
    "kind": "what is the matter: lost, stuck, dead-letter, ...",
    "service": "service or consumer group it is about",
    "destination": "topic, queue or stream",
    "state": "open, or closed",
    "muted": "no leaves out what is muted",
    "since": "seen since then: 15m, 2h, or a date",
    "until": "begun before then",
}

_CHOICES: Mapping[str, Sequence[str]] = {
    "kind": tuple(Kind),
    "state": tuple(State),
    "muted": ("yes", "no"),
    "since": TIMES,
    "until": TIMES,
}

Seen = Mapping[str, Sequence[str]]
"""Values of fields, as they were seen."""


def seen_in(findings: Iterable[Finding], topology: Topology | None) -> Seen:
    """Services, groups and destinations of findings, and of the graph, where it is known."""
    subjects = [one.subject for one in findings]
    nodes = topology.nodes if topology else ()
    places = {node.key.name for node in nodes if node.kind is NodeKind.DESTINATION}
    services = {node.key.name for node in nodes} - places
    services |= {name for one in subjects for name in (one.service, one.group)}
    places |= {one.destination for one in subjects}
    return {"service": sorted(services - {""}), "destination": sorted(places - {""})}


def parse(text: str, now: int) -> Wanted:
    """What a text asks for; times count back from `now`. Raises FilterError."""
    wanted, named = Wanted(muted=True), set[str]()
    for word in words(text):
        if not word.closed:
            raise FilterError('a quote is not closed: add a "', word.start, word.end)
        name, values = _divided(word)
        if name in named:
            raise FilterError(
                f"{name}: is there twice: write {name}:A,B for either", word.start, word.end
            )
        named.add(name)
        wanted = _with(wanted, name, values, word, now)
    if wanted.until and wanted.since >= wanted.until:
        raise FilterError("until: is not after since:", 0, len(text))
    return wanted


def _divided(word: Word) -> tuple[str, list[str]]:
    colon = word.sign_at(":")
    written = "".join(one.text for one in word.characters)
    name = "".join(one.text for one in word.characters[: max(0, colon)]).lower()
    if name not in MEANINGS:
        known = ", ".join(f"{one}:" for one in MEANINGS)
        said = f"{name}: is no field" if name else f"{written!r} has no field"
        raise FilterError(f"{said}: write one of {known}", word.start, word.end)
    values = [""]
    for one in word.characters[colon + 1 :]:
        if one.text == "," and not one.quoted:
            values.append("")
        else:
            values[-1] += one.text
    if not all(values):
        raise FilterError(f"{name}: needs a value", word.start, word.end)
    return name, values


def _with(wanted: Wanted, name: str, values: list[str], word: Word, now: int) -> Wanted:
    if name == "service":
        return replace(wanted, services=tuple(values))
    if name == "destination":
        return replace(wanted, destinations=tuple(values))
    if name in ("since", "until"):
        try:
            at = moment(values[0], now)
        except MomentError:
            raise FilterError(f"write {EXAMPLES}", word.start, word.end) from None
        return replace(wanted, since=at) if name == "since" else replace(wanted, until=at)
    folded = [value.lower() for value in values]
    choices = _CHOICES[name]
    if not set(folded) <= set(choices) or (name != "kind" and len(folded) > 1):
        raise FilterError(f"write {name}: with {', '.join(choices)}", word.start, word.end)
    if name == "kind":
        return replace(wanted, kinds=tuple(map(Kind, folded)))
    if name == "state":
        return replace(wanted, state=State(folded[0]))
    return replace(wanted, muted=folded[0] == "yes")


def complete(text: str, cursor: int, seen: Seen, most: int = 12) -> Completion:
    """How the word before the cursor could go on; those that begin so stand first."""
    word = next((one for one in words(text) if one.start < cursor <= one.end), None)
    begin, colon = "", -1
    if word is not None:
        begin = "".join(one.text for one in word.characters if one.at < cursor).lower()
        colon = begin.find(":")
    if word is None or colon < 0:
        fields = tuple(
            Option(f"{name}:", meaning)
            for name, meaning in MEANINGS.items()
            if name.startswith(begin)
        )
        return Completion(word.start if word else cursor, word.end if word else cursor, fields)
    name, value = begin[:colon], begin[colon + 1 :].rpartition(",")[2]
    known = _CHOICES.get(name) or seen.get(name, ())
    fitting = [one for one in known if one.lower().startswith(value)]
    fitting += [one for one in known if value in one.lower() and one not in fitting]
    signs = [one.at for one in word.characters if one.text in (":", ",") and one.at < cursor]
    options = tuple(Option(quoted(one)) for one in fitting[:most])
    return Completion(signs[-1] + 1, word.end, options)
