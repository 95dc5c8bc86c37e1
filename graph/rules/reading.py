"""Rules out of plain data, as a TOML file has them: `[[rules]]`, each with a `kind`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from graph.rules.rule import Rule, Value

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


class RuleError(ValueError):
    """A rule cannot be used; the message names the rule and its key."""


class Kind(NamedTuple):
    """What a kind of rules may say."""

    about: str
    keys: Mapping[str, Callable[[Any], Value]]
    needs: tuple[tuple[str, ...], ...] = ()
    """Of each of these, one at least."""


def _patterns(given: Any) -> tuple[str, ...]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(one, str) and one for one in texts):
        raise ValueError("a name, or a list of names, * standing for anything")
    return tuple(texts)


def _duration(given: Any) -> float:
    if isinstance(given, str) and (found := _DURATION.fullmatch(given.strip())):
        return float(found[1]) * _UNITS[found[2]]
    raise ValueError("a time, as in 500ms, 30s, 5m")


def _share(given: Any) -> float:
    if isinstance(given, str) and (found := _SHARE.fullmatch(given.strip())):
        return float(found[1]) / 100
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given <= 1:
        return float(given)
    raise ValueError("a share, as in 1% or 0.01")


def _count(given: Any) -> float:
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return float(given)
    raise ValueError("a whole number")


def _flag(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    raise ValueError("true or false")


def _one_of(*words: str) -> Callable[[Any], str]:
    def read(given: Any) -> str:
        if given in words:
            return str(given)
        raise ValueError(f"one of {', '.join(words)}")

    return read


_PLACE = {"destination": _patterns, "type": _patterns, "environment": _patterns}
_WHO = {"allow": _patterns, "deny": _patterns}
_EDGES = {"service": _patterns, **_PLACE}

KINDS: dict[str, Kind] = {
    "producers": Kind(
        "who may produce to destinations, or event types",
        {**_PLACE, **_WHO, "unknown": _flag},
        (("destination", "type"), ("allow", "deny")),
    ),
    "consumers": Kind(
        "who may consume from destinations, or event types",
        {**_PLACE, **_WHO},
        (("destination", "type"), ("allow", "deny")),
    ),
    "produces": Kind(
        "what services may produce: destinations or event types",
        {"service": _patterns, "environment": _patterns, **_WHO},
        (("service",), ("allow", "deny")),
    ),
    "consumes": Kind(
        "what services may consume: destinations or event types",
        {"service": _patterns, "environment": _patterns, **_WHO},
        (("service",), ("allow", "deny")),
    ),
    "no-cycles": Kind("events do not go round", {"destination": _patterns, "except": _patterns}),
    "no-orphans": Kind(
        "what is produced is consumed, and the other way round",
        {"destination": _patterns, "except": _patterns},
    ),
    "dead-letters-read": Kind(
        "somebody reads every dead-letter destination",
        {"destination": _patterns, "except": _patterns},
    ),
    "lag": Kind(
        "how far groups may be behind",
        {
            "group": _patterns,
            "destination": _patterns,
            "max_messages": _count,
            "max_time": _duration,
        },
        (("max_messages", "max_time"),),
    ),
    "latency": Kind(
        "how long it may take",
        {
            **_EDGES,
            "of": _one_of("handling", "waiting", "producing", "calling"),
            "quantile": _one_of("p50", "p95", "p99"),
            "max": _duration,
        },
        (("max",),),
    ),
    "errors": Kind("how much may fail", {**_EDGES, "max": _share, "at_least": _count}, (("max",),)),
    "successors": Kind(
        "what has to follow an event",
        {"type": _patterns, "then": _patterns, "within": _duration, "max": _share},
        (("type",), ("then",)),
    ),
}

_COMMON = ("kind", "name", "reason")


def rules_of(data: Mapping[str, Any]) -> list[Rule]:
    """The rules of a file, in their order. Raises RuleError."""
    for key in data:
        if key != "rules":
            raise RuleError(f"{key} is no key of a rule file: it has [[rules]]")
    told = data.get("rules")
    if not isinstance(told, list) or not told:
        raise RuleError("there are no [[rules]] in it")
    rules: list[Rule] = []
    for number, one in enumerate(told, 1):
        rule = _rule(one, number)
        if any(rule.name == other.name for other in rules):
            raise RuleError(f"rule {number}: name: another rule is called {rule.name} too")
        rules.append(rule)
    return rules


def _rule(told: Any, number: int) -> Rule:
    if not isinstance(told, Mapping):
        raise RuleError(f"rule {number} is no table: write [[rules]]")
    called = told.get("name")
    where = f"rule {number}" + (f" ({called})" if isinstance(called, str) else "")
    for key in ("name", "reason"):
        if key in told and not (isinstance(told[key], str) and told[key]):
            raise RuleError(f"{where}: {key}: wants a text")
    kind = told.get("kind")
    if kind not in KINDS:
        said = "is missing" if kind is None else f"{kind!r} is none"
        raise RuleError(f"{where}: kind: {said}: {_near(str(kind), KINDS)}")
    known = KINDS[str(kind)]
    keys: dict[str, Value] = {}
    for key, given in told.items():
        if key in _COMMON:
            continue
        if key not in known.keys:
            raise RuleError(f"{where}: {key}: is no key of {kind}: {_near(key, known.keys)}")
        try:
            keys[key] = known.keys[key](given)
        except ValueError as error:
            raise RuleError(f"{where}: {key}: wants {error}, not {given!r}") from None
    for either in known.needs:
        if not any(key in keys for key in either):
            raise RuleError(f"{where}: {either[0]}: {kind} wants {' or '.join(either)}")
    name = str(called) if called else _called(str(kind), told)
    return Rule(str(kind), name, keys, str(told.get("reason", "")))


def _called(kind: str, told: Mapping[str, Any]) -> str:
    """A name for a rule that has none: all that it says."""
    parts = [
        f"{key} {', '.join(value) if isinstance(value, list) else str(value).lower()}"
        for key, value in told.items()
        if key not in _COMMON
    ]
    return "; ".join((kind, *parts))


def _near(word: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(word, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
