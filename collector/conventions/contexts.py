"""How trace contexts are written into headers.

Every context is kept, in this order and then in the message's, because frameworks disagree about
which of several they read. Sources: W3C Trace Context, B3 propagation, the Jaeger, Datadog and AWS
propagators, SkyWalking's propagation headers 3, MassTransit, Wolverine, CloudEvents.
"""

from __future__ import annotations

from dataclasses import dataclass

_TRACE = "[0-9a-f]{32}"
_SPAN = "[0-9a-f]{16}"


@dataclass(frozen=True, slots=True)
class Form:
    """A way to write a whole context: RE2 patterns, without anchors, of which one has to match.

    The groups before the last are the trace id, the last is the span id; leading zeros may be
    absent where the pattern allows it.
    """

    patterns: tuple[str, ...]


W3C = Form(
    (
        # Version 00 ends after the flags; a later one may go on after a dash; ff is forbidden.
        rf"[ \t]*00-({_TRACE})-({_SPAN})-[0-9a-f]{{2}}[ \t]*",
        r"[ \t]*(?:0[1-9a-f]|[1-9a-e][0-9a-f]|f[0-9a-e])"
        rf"-({_TRACE})-({_SPAN})-[0-9a-f]{{2}}(?:-.*)?[ \t]*",
    )
)
B3 = Form((rf"([0-9a-f]{{16}}|{_TRACE})-({_SPAN})(?:-[01d](?:-{_SPAN})?)?",))
# Some clients write the colons as in a URL.
JAEGER = Form(
    (
        r"([0-9a-fA-F]{1,32})(?::|%3A)([0-9a-fA-F]{1,16})"
        r"(?::|%3A)[0-9a-fA-F]*(?::|%3A)[0-9a-fA-F]{1,2}",
    )
)
XRAY = Form(
    (
        r"(?:.*;)?[ ]*Root=1-([0-9a-f]{8})-([0-9a-f]{24})[ ]*;"
        r"(?:.*;)?[ ]*Parent=([0-9a-f]{16})[ ]*(?:;.*)?",
    )
)
PAIR = Form((r"([0-9a-fA-F]{16}|[0-9a-fA-F]{32}):([0-9a-fA-F]{16})",))
"""What is told apart, put together: not on any wire."""

CONTEXTS: dict[str, Form] = {
    "traceparent": W3C,
    "mt-activity-id": W3C,
    # Wolverine's; other uses of the name do not look like this.
    "parent-id": W3C,
    "diagnostic-id": W3C,
    "b3": B3,
    "uber-trace-id": JAEGER,
    "awstraceheader": XRAY,
    "x-amzn-trace-id": XRAY,
}
"""Headers, in lower case, that carry a whole context; in order of trust."""


@dataclass(frozen=True, slots=True)
class Apart:
    """Headers that carry trace id and span id apart; the values pair by their order."""

    trace: str
    span: str
    decimal: bool = False
    """64-bit ids as decimal numbers."""
    upper: str = ""
    """A header that may hold the upper half of a decimal trace id."""
    pattern: str = ""
    """RE2: where in that, as hex."""


PAIRS: tuple[Apart, ...] = (
    Apart("x-b3-traceid", "x-b3-spanid"),
    Apart(
        "x-datadog-trace-id",
        "x-datadog-parent-id",
        decimal=True,
        upper="x-datadog-tags",
        pattern=r"(?:^|,)_dd\.p\.tid=([0-9a-f]{16})(?:,|$)",
    ),
)

SKYWALKING = "sw8"
"""Eight fields between dashes: sample, trace id, segment id, span number, and the producer's
service, instance, endpoint and address; all but the first and the fourth in Base64. Its ids become
a context as the OpenTelemetry Collector's SkyWalking receiver makes one of them."""

STARTING = "traceparent"
"""The CloudEvents attribute with the context in which the event began, over all its hops. It stands
in where the message carries no context of its own hop; the event is found by its trace anyway."""
