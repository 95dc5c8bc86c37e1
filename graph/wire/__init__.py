"""Chains and topologies as plain JSON-able dicts, and back: the format of API and `--json`.

Every field is always there. Times are two fields: `..._ns`, an integer since the Unix epoch,
and an ISO 8601 text in UTC with nanoseconds (null for 0, which means unknown). Reading uses the
integer alone. Fields that a reader does not know may be added; none changes its meaning while
`format` stays the same. `chain_to_dict` and `topology_to_dict` tell their shapes.
"""

from graph.wire.chain import chain_from_dict, chain_to_dict, event_ids
from graph.wire.facts import (
    message_from_dict,
    message_to_dict,
    operation_from_dict,
    operation_to_dict,
    position_from_dict,
    position_to_dict,
    span_from_dict,
    span_to_dict,
)
from graph.wire.topology import (
    edge_row_from_dict,
    edge_row_to_dict,
    topology_from_dict,
    topology_to_dict,
)

__all__ = [
    "chain_from_dict",
    "chain_to_dict",
    "edge_row_from_dict",
    "edge_row_to_dict",
    "event_ids",
    "message_from_dict",
    "message_to_dict",
    "operation_from_dict",
    "operation_to_dict",
    "position_from_dict",
    "position_to_dict",
    "span_from_dict",
    "span_to_dict",
    "topology_from_dict",
    "topology_to_dict",
]
