"""A collector ended under load: what was acknowledged is there, once, and counted so.

`make chaos` is the long version.
"""

from __future__ import annotations

import random
import secrets
from pathlib import Path

import pytest

from samples.kafka.broker import Broker
from tests.chaos.rounds import Round, run


@pytest.mark.kafka
def test_ended_under_load_it_loses_nothing_and_counts_nothing_twice(
    kafka: Broker, tmp_path: Path
) -> None:
    seed = secrets.randbelow(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    rounds = [
        Round("killed", chance.randrange(5, 60), 0),
        Round("stopped", chance.randrange(5, 60), 0),
        Round("killed", chance.randrange(5, 60), 0),
        Round("stopped twice", chance.randrange(5, 60), chance.uniform(0, 0.2)),
        Round("killed", chance.randrange(5, 60), 0),
    ]
    run(rounds, kafka.bootstrap, tmp_path, chance)
