"""Topics' ids as confluent-kafka tells them, without the memory that it never gives back.

Of each topic that its `describe_topics` tells, the library makes one reference to the id too many
(seen in 2.16.1; in the source of 2.15.0 it is `PyDict_SetItemString` of what `c_Uuid_to_py`
made). Asked after each read, that is a hundred bytes for each topic: hundreds of megabytes a day.
"""

from __future__ import annotations

import ctypes
import struct
import sys

from confluent_kafka import Uuid
from confluent_kafka.admin import TopicDescription

from collector.taps.kafka_reader import topic_id


def take_id(described: TopicDescription) -> str:
    """The topic's id, of a description that nobody else has; it may be asked once."""
    identity = described.topic_id
    told = topic_id(
        struct.pack(
            ">qq",
            identity.get_most_significant_bits(),
            identity.get_least_significant_bits(),
        )
    )
    del identity
    if _references(described) == _RIGHT + 1:
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(described.topic_id))
    return told


def _references(described: TopicDescription) -> int:
    return sys.getrefcount(described.topic_id)


_RIGHT = _references(TopicDescription("", Uuid(0, 0), False, []))
"""Of a description that was made without the fault: a library that is mended is left alone."""
