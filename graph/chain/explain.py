"""Tells why a chain is as it is: walks the ways that decide, and says what they lack.

The ways are tried by the code that builds chains; here is only added why one found nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from graph.chain.cause import Lead
from graph.chain.explanation import Explanation, Finding, Handled, Reason, Trial
from graph.chain.inference import WAYS, Inference, Way
from graph.chain.known import handles, relations_of
from graph.chain.names import normal_id
from graph.chain.result import EventKey, Via
from graph.chain.view import View
from graph.model import Evidence, Operation, SpanContext

Why = tuple[Reason, str]


def explain(view: View, inference: Inference, keys: Iterable[EventKey]) -> tuple[Explanation, ...]:
    """Why these events are joined as they are, in their order."""
    explainer = Explainer(view, inference)
    return tuple(explainer.event(key) for key in keys)


class Explainer:
    """Trials of one event after the other."""

    def __init__(self, view: View, inference: Inference) -> None:
        self.view = view
        self.known = view.known
        self.inference = inference

    def event(self, key: EventKey) -> Explanation:
        """All that was tried for an event."""
        handled = tuple(
            Handled(one.context, one.service, one.group, self._handled(one, key))
            for one, _ in self.view.consumption.handlers(key)
        )
        names = self.inference.readers(key)
        undelivered = None
        if not handled:
            undelivered = Reason.ONLY_BROKER if names else Reason.NOBODY
        return Explanation(
            key,
            self._producer(key),
            self._causes(key),
            handled,
            undelivered,
            ", ".join(names) if not handled else "",
        )

    # The producer

    def _producer(self, key: EventKey) -> tuple[Trial, ...]:
        joins = [(operation, join) for operation, join in self.view.identity.producers(key)]
        trials: list[Trial] = []
        ways = [Via.SPAN] if not self.view.identity.messages(key) else []
        for via in (*ways, Via.HEADER, Via.POSITION, Via.MESSAGE_ID):
            found = tuple(
                Finding(
                    _span(operation.context),
                    join.evidence,
                    join.candidates,
                    note=f"{operation.name} by {operation.service}",
                )
                for operation, join in joins
                if join.via is via
            )
            trials.append(Trial(via, found) if found else Trial(via, (), *self._no_span(key, via)))
            if found:
                return tuple(trials)
        service, evidence = self.view.producer(key)
        if service and evidence is Evidence.OBSERVED:
            # Not by a producing span, but by one whose context was put into the message.
            index = next(i for i, one in enumerate(trials) if one.via is Via.HEADER)
            trials[index] = Trial(Via.HEADER, (Finding(service, evidence),))
            return tuple(trials[: index + 1])
        if service and evidence:
            return (*trials, Trial(Via.SOURCE, (Finding(service, evidence),)))
        reason = Reason.NO_SOURCE if self.view.identity.messages(key) else Reason.NOT_TAPPED
        return (*trials, Trial(Via.SOURCE, (), reason))

    def _no_span(self, key: EventKey, via: Via) -> Why:
        messages = self.view.identity.messages(key)
        if via is Via.SPAN:
            return Reason.NO_SPAN, ""
        if via is Via.POSITION:
            return Reason.POSITION_UNNAMED, ""
        if via is Via.MESSAGE_ID:
            named = any(message.message_id for message in messages)
            return (Reason.MESSAGE_ID_UNNAMED if named else Reason.NO_MESSAGE_ID), ""
        written = [context for message in messages for context in message.contexts]
        if not written:
            return (Reason.NO_CONTEXT if messages else Reason.NOT_TAPPED), ""
        seen = [one for one in written if self._exported(one)]
        if not seen:
            return Reason.CONTEXT_UNSEEN, _span(written[0])
        return Reason.CONTEXT_HANDED_ON, _span(seen[0])

    # The causes

    def _causes(self, key: EventKey) -> tuple[Trial, ...]:
        leads = self.view.causes.of(key)
        trials = [
            self._trial(via, found, leads) if found else Trial(via, (), *self._no_cause(key, via))
            for via, found in self.view.causes.tried(key)
        ]
        if leads:
            return tuple(trials)
        for way, (via, found) in zip(WAYS, self.inference.tried(key), strict=False):
            if found:
                trials.append(self._told(key, self._trial(via, found, found)))
            else:
                trials.append(Trial(via, (), *self._not_shared(key, way)))
        return tuple(trials)

    def _trial(self, via: Via, found: Sequence[Lead], chosen: Sequence[Lead]) -> Trial:
        """What a way found, and what became of it."""
        findings = tuple(
            Finding(str(one.key), one.evidence, one.candidates, one in chosen) for one in found
        )
        taken = [one for one in found if one in chosen]
        reason = None
        if not taken:
            same = {one.key for one in found} <= {one.key for one in chosen}
            reason = Reason.SAME if same else Reason.LESS_SURE
        elif len(taken) < len(found):
            reason = Reason.NARROWED
        return Trial(via, findings, reason)

    def _told(self, key: EventKey, trial: Trial) -> Trial:
        """With what earlier flows say of each candidate."""
        notes = {}
        own = self.view.kind(key)
        for one in self.inference.candidates(trial.via, key):
            kind = self.view.kind(one.key)
            if known := self.inference.history.of(kind, own):
                notes[str(one.key)] = (
                    f"{kind.event_type or kind.destination} came before "
                    f"{own.event_type or own.destination} in {known.first} of {known.flows} flows"
                )
        found = tuple(replace(one, note=notes.get(one.name, "")) for one in trial.found)
        return replace(trial, found=found)

    def _no_cause(self, key: EventKey, via: Via) -> Why:
        producers = [operation for operation, _ in self.view.identity.producers(key)]
        if via is Via.HEADER:
            return self._no_header(key, producers)
        if via is Via.CAUSATION_ID:
            return self._no_causation(key)
        if not producers:
            return Reason.NO_SPAN, ""
        if via is Via.LINK:
            sends = self.view.identity.productions.sends
            own = {operation.context for operation in producers}
            targets = [
                relation.target
                for operation in producers
                for relation in relations_of(operation)
                if relation.kind == "link"
                and relation.target not in own
                and not sends(operation, relation.target)
            ]
            return self._links_lead_nowhere(targets)
        return self._above(producers[0], Reason.NO_CONSUMER_ABOVE)

    def _links_lead_nowhere(self, targets: Sequence[SpanContext]) -> Why:
        if not targets:
            return Reason.NO_LINKS, ""
        unseen = [target for target in targets if not self._exported(target)]
        if unseen:
            return Reason.LINK_UNSEEN, _span(unseen[0])
        return Reason.LINK_ELSEWHERE, _span(targets[0])

    def _above(self, operation: Operation, otherwise: Reason) -> Why:
        """Why nothing above a span tells: how far its trace is known, and how it begins."""
        above = list(self.known.ancestors(operation.context))
        if not above:
            return Reason.NO_PARENT, ""
        for context in above:
            around = self.known.operations.get(context)
            if around and handles(around) and not self.view.consumption.handled(around):
                return Reason.CONSUMER_SILENT, _span(context)
        if not self._exported(above[-1]):
            return Reason.PARENT_UNSEEN, _span(above[-1])
        first = self.known.spans.get(above[-1]) or self.known.operations[above[-1]]
        return otherwise, f"{first.name} of {first.service}" if first.service else first.name

    def _no_header(self, key: EventKey, producers: Iterable[Operation]) -> Why:
        messages = self.view.identity.messages(key)
        if not messages:
            return Reason.NOT_TAPPED, ""
        written = [context for message in messages for context in message.contexts]
        own = {operation.context for operation in producers}
        others = [context for context in written if context not in own]
        if not others:
            return (Reason.OWN_CONTEXT if written else Reason.NO_CONTEXT), ""
        unseen = [context for context in others if not self._exported(context)]
        if unseen:
            return Reason.CONTEXT_UNSEEN, _span(unseen[0])
        return Reason.CONTEXT_ELSEWHERE, _span(others[0])

    def _no_causation(self, key: EventKey) -> Why:
        messages = self.view.identity.messages(key)
        if not messages:
            return Reason.NOT_TAPPED, ""
        text = next((one.causation_id for one in messages if one.causation_id), "")
        if not text:
            return Reason.NO_CAUSATION_ID, ""
        found = set(self.view.causes.with_id(normal_id(text)))
        if not found:
            return Reason.CAUSATION_UNSEEN, text
        return (Reason.CAUSATION_ELSEWHERE if found - {key} else Reason.CAUSATION_ITSELF), text

    def _not_shared(self, key: EventKey, way: Way) -> Why:
        view = self.view
        if not self.inference.looks_at(key):
            return Reason.NOT_LOOKED_FOR, ""
        service = view.actor(key)
        ids = view.ids(key, way.kind)
        if not service:
            return Reason.NO_PRODUCER, ""
        request = view.request(key)
        if request is not None:
            return Reason.REQUEST, f"{request.name} of {request.service}"
        if not ids:
            return Reason.NO_ID, ""
        if way.bounded:
            common = self.inference.shared.too_common(view, key, way.kind)
            if common:
                return Reason.TOO_COMMON, ", ".join(sorted(common))
            if not self.inference.shared.usable(view, key, way.kind):
                return Reason.NOT_LOOKED_FOR, ""
        others = {other for text in ids for other in self.inference.members(way.kind, text)} - {key}
        named = ", ".join(sorted(ids))
        if not others:
            return (Reason.ALONE_NEAR if way.bounded else Reason.ALONE), named
        if self.inference.candidates(way.via, key):
            return Reason.CONTRADICTED, named
        return Reason.NOT_GIVEN, service

    # The deliveries

    def _handled(self, operation: Operation, key: EventKey) -> tuple[Trial, ...]:
        trials = []
        for via, matches in self.view.consumption.tried(operation):
            found = tuple(
                Finding(str(one.key), one.evidence, one.candidates, one.key == key)
                for one in matches
            )
            mine = tuple(one for one in found if one.chosen)
            why = (None, "") if found else self._unhandled(operation, via)
            # The other events of a batch are theirs to tell.
            trials.append(Trial(via, mine or found, *why))
        return tuple(trials)

    def _unhandled(self, operation: Operation, via: Via) -> Why:
        if via is Via.LINK:
            return self._links_lead_nowhere(
                [one.target for one in relations_of(operation) if one.kind == "link"]
            )
        if via is Via.PARENT:
            return self._above(operation, Reason.PARENT_ELSEWHERE)
        if via is Via.POSITION:
            return Reason.NO_POSITION, ""
        if via is Via.MESSAGE_ID:
            text = operation.message_id
            return (Reason.MESSAGE_ID_UNSEEN if text else Reason.NO_MESSAGE_ID), text
        return Reason.POLL, ""

    def _exported(self, context: SpanContext) -> bool:
        return context in self.known.spans or context in self.known.operations


def _span(context: SpanContext) -> str:
    return f"{context.trace_id}/{context.span_id}"
