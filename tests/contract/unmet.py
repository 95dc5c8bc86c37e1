"""Conformance cases that are not met, each with its reason. Nothing else may differ."""

# Of others' cases only those are left that speak of something that flowtap does not claim.
UNMET: dict[str, str] = {
    "skywalking/pulsar-scenario": (
        "consumers are told apart by what their spans name: two subscriptions of one service whose "
        "spans name neither are one consumer, and each of its messages one delivery"
    ),
    "zipkin/should link shared RPC span as one error": (
        "a call is claimed where one span points at the other: a server span that is called shared "
        "and has neither its client's id nor a parent points at none"
    ),
    "zipkin/should create links when missing intermediate endpoint data": (
        "a call is claimed between two spans that name their services, one right below the other: "
        "nobody is taken for the caller beyond a span that names none"
    ),
    "zipkin/should treat remote service names missing kind as RPC": (
        "a call is claimed of spans that say client or server: one without a kind says neither"
    ),
}

_ORIGIN = (
    "the message carries the context of the order's create span, so its publish span, which only "
    "descends from there, is taken for that of another message"
)
_ELSEWHERE = (
    "a batch's links are taken for those of other destinations too, so that one that points at the "
    "context of an order is taken for the order's delivery: wrong, and called observed"
)
_LOST_LINK = "counted by links, of which FastStream loses one where two share a correlation id"
_POLL = "what a poll was about is not read off the process spans within it"
_CELERY_RETRY = "a retry has the id of its task and lies on the same queue: taken for another event"
_CELERY_STATE = "celery.state RETRY is not read: no status of the span says that the try failed"
_CELERY_PROFILE = "Celery's headers id and parent_id are not read"

UNMET_RECORDED: dict[str, dict[str, str]] = {
    "faststream": {
        **{
            line: _ORIGIN
            for number in (1, 2, 3)
            for line in (
                f"- event payment-{number} b inferred header",
                f"+ event payment-{number} somebody unknown",
                f"- cause order-{number} payment-{number} b observed header",
                f"+ cause order-{number} payment-{number} somebody observed header",
                f"+ cause order-{number} untapped(faststream.b) b observed parent",
            )
        },
        "+ event untapped(faststream.b) b observed span": _ORIGIN,
    },
    "faststream, graph": {
        "+ edge unknown producer faststream.b 3": _ORIGIN,
        "- edge faststream.b c 3": _LOST_LINK,
        "+ edge faststream.b c 2": _LOST_LINK,
    },
    "kafkajs": {
        f"- cause payment-{number} tally-1 c inferred parent 1 of 3": _POLL for number in (1, 2, 3)
    },
    "celery": {
        "- event order-2 a observed header 2 positions": _CELERY_RETRY,
        "+ event order-2 a observed header": _CELERY_RETRY,
        "+ event order-2(copy) b observed header": _CELERY_RETRY,
        "+ cause order-2 order-2(copy) b observed parent": _CELERY_RETRY,
        "- cause order-2 payment-2 b observed parent": _CELERY_RETRY,
        "+ cause order-2(copy) payment-2 b observed parent": _CELERY_RETRY,
        "- delivery order-2 b observed parent failed ok": f"{_CELERY_RETRY}; {_CELERY_STATE}",
        "+ delivery order-2 b observed parent ok": _CELERY_RETRY,
        "+ delivery order-2(copy) b observed parent ok": _CELERY_RETRY,
    },
    "faststream, spans alone": {
        f"{sign} {fact}": _ELSEWHERE
        for number in (2, 3)
        for sign, fact in (
            ("-", f"delivery payment-{number} c inferred link/parent ok"),
            ("+", f"delivery order-{number} c observed link/parent ok"),
            ("-", f"cause payment-{number} tally-1 c inferred parent"),
            ("+", f"cause order-{number} tally-1 c observed parent"),
        )
    },
    "kafkajs, spans alone": {
        f"- cause payment-{number} tally-1 c inferred parent 1 of 3": _POLL for number in (1, 2, 3)
    },
    "celery, spans alone": {
        "+ event order-2(copy) b observed span": _CELERY_RETRY,
        "+ cause order-2 order-2(copy) b observed parent": _CELERY_RETRY,
        "- cause order-2 payment-2 b observed parent": _CELERY_RETRY,
        "+ cause order-2(copy) payment-2 b observed parent": _CELERY_RETRY,
        "- delivery order-2 b observed parent failed ok": f"{_CELERY_RETRY}; {_CELERY_STATE}",
        "+ delivery order-2 b observed parent ok": _CELERY_RETRY,
        "+ delivery order-2(copy) b observed parent ok": _CELERY_RETRY,
    },
    "celery, messages alone": {
        "- event order-2 2 positions": _CELERY_RETRY,
        "+ event order-2": _CELERY_RETRY,
        "+ event order-2(copy)": _CELERY_RETRY,
        **{
            f"- cause order-{number} payment-{number} declared causation id": _CELERY_PROFILE
            for number in (1, 2, 3)
        },
    },
}
"""What is not met of the recordings' tables: `-` what is missing, `+` what is there and wrong."""
