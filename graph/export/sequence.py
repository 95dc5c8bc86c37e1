"""Mermaid sequence diagrams of a chain."""

from __future__ import annotations

from graph.chain.lanes import consumer_of, handovers, lanes_of, producer_of
from graph.chain.result import Chain
from graph.export.mermaid import escaped
from graph.model import Evidence


def sequence(chain: Chain) -> str:
    """A participant for each service, in order of time an arrow for each delivery.

    Participants are `p0`, `p1`, ...; what is inferred is dashed, what failed ends in a cross.
    """
    lanes = lanes_of(chain)
    rows = ["sequenceDiagram"]
    rows += [f"  participant p{lane} as {escaped(name)}" for name, lane in lanes.items()]
    for event, delivery, _ in handovers(chain):
        sender = f"p{lanes[producer_of(event)]}"
        if delivery is None:
            rows.append(f"  Note over {sender}: {escaped(event.title)}, no consumer is known")
            continue
        line = "--" if delivery.evidence is Evidence.INFERRED else "-"
        head = "x" if delivery.error else ">>"
        said = event.title
        if len(delivery.attempts) > 1:
            said += f", {len(delivery.attempts)} attempts"
        if delivery.error:
            said += f": {delivery.error_message or 'failed'}"
        receiver = f"p{lanes[consumer_of(delivery)]}"
        rows.append(f"  {sender}{line}{head}{receiver}: {escaped(said)}")
    return "\n".join(rows) + "\n"
