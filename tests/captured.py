"""Headers of messages out of captured network traffic: Kafka, AMQP 0.9.1 and NATS."""

from __future__ import annotations

import io
import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

Headers = list[tuple[str, bytes]]


def streams(path: Path) -> list[bytes]:
    """What each side of each TCP connection of a capture sent, in order."""
    data = path.read_bytes()
    at, sent = 24, defaultdict[tuple[bytes, bytes], dict[int, bytes]](dict)
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at + 8)
        frame, at = data[at + 16 : at + 16 + length], at + 16 + length
        ip = frame[14:]
        if frame[12:14] != b"\x08\x00" or ip[9] != 6:
            continue
        (total,) = struct.unpack_from(">H", ip, 2)
        tcp = ip[(ip[0] & 15) * 4 : total]
        (sequence,) = struct.unpack_from(">I", tcp, 4)
        payload = tcp[(tcp[12] >> 4) * 4 :]
        if payload:
            sent[ip[12:20], tcp[:4]].setdefault(sequence, payload)
    return [b"".join(part for _, part in sorted(parts.items())) for parts in sent.values()]


def nats(stream: bytes) -> Iterator[Headers]:
    for found in re.finditer(rb"(?:HPUB|HMSG) [^\r\n]* (\d+) \d+\r\n", stream):
        block = stream[found.end() : found.end() + int(found[1])]
        lines = [line.partition(b":") for line in block.split(b"\r\n")[1:] if line]
        yield [(name.decode(), value.strip()) for name, _, value in lines]


def kafka(stream: bytes) -> Iterator[Headers]:
    """Of the produce requests, versions 3 to 8."""
    whole = io.BytesIO(stream)
    while len(size := whole.read(4)) == 4:
        request = io.BytesIO(whole.read(*struct.unpack(">i", size)))
        key, version, _ = _read(request, ">hhi")
        if key != 0 or not 3 <= version <= 8:
            continue
        for _ in range(2):  # client id, transactional id
            request.read(max(0, _read(request, ">h")[0]))
        _read(request, ">hi")
        for _ in range(_read(request, ">i")[0]):
            request.read(_read(request, ">h")[0])
            for _ in range(_read(request, ">i")[0]):
                _, length = _read(request, ">ii")
                yield from _records(io.BytesIO(request.read(length)))


def _records(batch: io.BytesIO) -> Iterator[Headers]:
    batch.read(57)
    for _ in range(_read(batch, ">i")[0]):
        _varint(batch)
        batch.read(1)
        for skipped in (_varint(batch), _varint(batch)):
            assert skipped >= 0
        for _ in range(2):  # key, value
            batch.read(max(0, _varint(batch)))
        yield [
            (batch.read(_varint(batch)).decode(), batch.read(_varint(batch)))
            for _ in range(_varint(batch))
        ]


def amqp(stream: bytes) -> Iterator[Headers]:
    """Text headers of each content header frame."""
    whole = io.BytesIO(stream.removeprefix(b"AMQP\x00\x00\x09\x01"))
    while len(start := whole.read(7)) == 7:
        kind, _, size = struct.unpack(">BHI", start)
        frame = io.BytesIO(whole.read(size))
        whole.read(1)
        if kind != 2:
            continue
        flags = _read(frame, ">HHQH")[-1]
        for bit in (15, 14):  # content type, content encoding
            if flags >> bit & 1:
                frame.read(frame.read(1)[0])
        yield _table(frame) if flags >> 13 & 1 else []


def _table(frame: io.BytesIO) -> Headers:
    table = io.BytesIO(frame.read(*_read(frame, ">I")))
    headers: Headers = []
    while length := table.read(1):
        name, kind = table.read(length[0]).decode(), table.read(1)
        if kind == b"S":
            headers.append((name, table.read(*_read(table, ">I"))))
        elif kind in b"FAx":
            table.read(*_read(table, ">I"))
        else:
            widths = {b"t": 1, b"b": 1, b"s": 2, b"I": 4, b"i": 4, b"f": 4, b"D": 5, b"V": 0}
            table.read(widths.get(kind, 8))
    return headers


def _read(source: io.BytesIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, source.read(struct.calcsize(form)))


def _varint(source: io.BytesIO) -> int:
    number, shift = 0, 0
    while True:
        (byte,) = source.read(1)
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number >> 1 ^ -(number & 1)
