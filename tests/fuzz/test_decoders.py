"""Decoders convert or say why not, whatever they are given."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.decoders import DECODERS
from tests.fuzz.payloads import OTLP_JSON, WORST, ZIPKIN, bent, damaged, otlp


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("worst", WORST)
def test_the_worst(decoder: str, worst: str) -> None:
    DECODERS[decoder](WORST[worst])


@pytest.mark.parametrize("decoder", DECODERS)
@given(data=st.binary(max_size=300))
def test_any_bytes(decoder: str, data: bytes) -> None:
    DECODERS[decoder](data)


@given(damaged(otlp()))
def test_damaged_protobuf(data: bytes) -> None:
    DECODERS["otlp_protobuf"](data)


@given(bent(OTLP_JSON))
def test_bent_otlp_json(data: bytes) -> None:
    DECODERS["otlp_json"](data)


@given(bent(ZIPKIN))
def test_bent_zipkin(data: bytes) -> None:
    DECODERS["zipkin"](data)


@given(damaged(gzip.compress(b"a body" * 50, mtime=0)), damaged(zlib.compress(b"a body" * 50)))
def test_damaged_compression(zipped: bytes, deflated: bytes) -> None:
    DECODERS["gzip"](zipped)
    DECODERS["deflate"](deflated)


@given(st.text(alphabet='topic:*",-()\\ aé%_\0', max_size=40))
def test_filters(text: str) -> None:
    DECODERS["filter"](text.encode())
