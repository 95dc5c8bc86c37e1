"""The store that is looked into: filled as if over 30 days, its weeks merged, perhaps kept."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from collector.store.migrations import schema_files
from tests.benchmarks import chains, engine
from tests.benchmarks.chains import Planted
from tests.benchmarks.payload import Order
from tests.benchmarks.world import World, apart, say

PLANTED = 5
SAMPLE = 1_200
"""Orders to ask for, at most."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A filled store, in the folder of a collector that is not running."""

    folder: Path
    kept: bool
    """It outlives the run."""
    orders: Sequence[Order]
    """Picked by chance."""
    planted: Mapping[str, Sequence[Planted]]
    end: int
    """When the last of it was received; nanoseconds since the Unix epoch."""


def filled(world: World) -> Stored:
    """Fill a store, or take the one that a run before left in `world.keep`."""
    count, readings = world.sizes.stored_orders, world.sizes.readings
    name = f"looked-into-{count}-{readings}-{len(schema_files())}"
    folder = world.keep / name if world.keep else world.folder()
    told = folder / "told.pickle"
    if told.exists():
        say(f"look-ups: {folder} was filled before")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        store = folder / "store"
        say(f"look-ups: storing {count:,} orders as of 30 days")
        orders, end = apart(engine.fill, store, count, readings, min(SAMPLE, count))
        planted = apart(chains.plant, store, PLANTED)
        say("look-ups: merging")
        apart(engine.merge, store)
        told.write_bytes(pickle.dumps((orders, planted, end)))
    orders, planted, end = pickle.loads(told.read_bytes())
    return Stored(folder, world.keep is not None, orders, planted, end)
