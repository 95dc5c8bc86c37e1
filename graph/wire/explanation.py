"""Why a chain is joined as it is, as dicts and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graph.chain.explanation import Explanation, Finding, Handled, Reason, Trial
from graph.chain.result import EventKey, Via
from graph.model import Evidence
from graph.wire.facts import Json, context_from_dict, context_to_dict, same


def explanation_to_dict(explanation: Explanation, ids: Mapping[EventKey, str]) -> Json:
    """One event's `producer`, `causes` and `deliveries`, each with its `trials` in order.

    A trial has `via`, what it `found` (`name`, `evidence`, `candidates`, `chosen`, `note`), and
    else its `reason` (a name, and as a sentence in `because`) with the `subject` of that.
    """
    return {
        "event": ids[explanation.event],
        "producer": _trials_to(explanation.producer),
        "causes": _trials_to(explanation.causes),
        "deliveries": [
            {
                **context_to_dict(one.operation),
                "service": one.service,
                "group": one.group,
                "trials": _trials_to(one.trials),
            }
            for one in explanation.deliveries
        ],
        **_reason_to(explanation.undelivered, explanation.subject),
    }


def explanation_from_dict(data: Mapping[str, Any], keys: Mapping[str, EventKey]) -> Explanation:
    """The explanation that `explanation_to_dict` told."""
    return Explanation(
        event=keys[data["event"]],
        producer=_trials_from(data["producer"]),
        causes=_trials_from(data["causes"]),
        deliveries=tuple(
            Handled(
                operation=context_from_dict(one),
                trials=_trials_from(one["trials"]),
                **same(one, "service", "group"),
            )
            for one in data["deliveries"]
        ),
        undelivered=_reason_from(data),
        subject=data["subject"],
    )


def _trials_to(trials: Iterable[Trial]) -> list[Json]:
    return [
        {
            "via": trial.via.value,
            "found": [
                {
                    "name": one.name,
                    "evidence": one.evidence.value,
                    "candidates": one.candidates,
                    "chosen": one.chosen,
                    "note": one.note,
                }
                for one in trial.found
            ],
            **_reason_to(trial.reason, trial.subject),
        }
        for trial in trials
    ]


def _trials_from(data: Iterable[Mapping[str, Any]]) -> tuple[Trial, ...]:
    return tuple(
        Trial(
            via=Via(trial["via"]),
            found=tuple(
                Finding(
                    evidence=Evidence(one["evidence"]),
                    **same(one, "name", "candidates", "chosen", "note"),
                )
                for one in trial["found"]
            ),
            reason=_reason_from(trial),
            subject=trial["subject"],
        )
        for trial in data
    )


def _reason_to(reason: Reason | None, subject: str) -> Json:
    return {
        "reason": reason.name.lower() if reason else None,
        "because": reason.value if reason else "",
        "subject": subject,
    }


def _reason_from(data: Mapping[str, Any]) -> Reason | None:
    return Reason[data["reason"].upper()] if data["reason"] else None
