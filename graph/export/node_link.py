"""JSON: a topology as networkx reads it, and as it can be kept; a chain as the API tells it."""

from __future__ import annotations

import json

from graph.chain.result import Chain
from graph.topology import Topology
from graph.wire import chain_to_dict
from graph.wire.saved import topology_to_saved


def node_link(topology: Topology) -> str:
    """Node-link form: `directed`, `multigraph`, `graph`, `nodes`, `edges`; see `graph.wire.saved`,
    which reads it back."""
    return _text(topology_to_saved(topology))


def chain_json(chain: Chain) -> str:
    """The dict of `graph.wire.chain_to_dict`."""
    return _text(chain_to_dict(chain))


def _text(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
