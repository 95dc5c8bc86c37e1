"""A topic's id, of a library that keeps a reference to it and of one that is mended."""

from __future__ import annotations

import ctypes
import gc

import pytest
from confluent_kafka import Uuid
from confluent_kafka.admin import TopicDescription

from collector.taps.kafka_confluent_ids import take_id


def living() -> int:
    """Ids that there are."""
    gc.collect()
    return sum(isinstance(each, Uuid) for each in gc.get_objects())


@pytest.mark.parametrize("forgotten", [0, 1])
def test_an_id_is_taken_and_given_back(forgotten: int) -> None:
    before = living()
    described = TopicDescription("orders", Uuid(1, 2), False, [])
    for _ in range(forgotten):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(described.topic_id))

    assert take_id(described) == "AAAAAAAAAAEAAAAAAAAAAg"
    assert str(described.topic_id) == "AAAAAAAAAAEAAAAAAAAAAg"
    assert living() == before + 1
    del described
    assert living() == before


def test_an_id_that_somebody_else_has_is_left_alone() -> None:
    described = TopicDescription("orders", Uuid(1, 2), False, [])
    held = [described.topic_id, described.topic_id]

    take_id(described)
    del described

    assert [str(each) for each in held] == ["AAAAAAAAAAEAAAAAAAAAAg"] * 2
