"""What a start makes of a spool that a crash left: the same segments again, and no torn request."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.segment import frame_header, scan
from collector.spool import Spool
from tests.spools import Story, request, segment_files


def test_a_restart_gives_left_segments_again_with_the_same_ids_and_bytes(story: Story) -> None:
    spool = story.spool(segment_bytes=50)
    for name in ("a", "b", "c", "d"):
        spool.append_sync(request(name) * 2)
    inserted = story.due(spool)
    inserted.done()
    taken = story.due(spool)
    before = [(taken.id, taken.payload())]
    copy = story.crash()
    while (segment := spool.take(0)) is not None:
        before.append((segment.id, segment.payload()))

    story.wall_ns += 7_000_000_000
    again = story.spool(copy)
    assert again.oldest == pytest.approx(7.0)
    assert again.pending_bytes == sum(file.stat().st_size for file in segment_files(copy))
    after = []
    while (segment := again.take(0)) is not None:
        after.append((segment.id, segment.payload()))
        segment.done()
    assert after == before
    assert segment_files(copy) == []
    assert again.pending_bytes == 0


def test_ids_grow_even_when_the_clock_was_set_back(story: Story) -> None:
    spool = story.spool()
    spool.append_sync(b"a")
    first = story.due(spool)
    copy = story.crash()
    story.wall_ns -= 3_600_000_000_000
    spool.append_sync(b"b")
    second = story.due(spool)
    again = story.spool(copy)
    again.append_sync(b"c")
    left = again.take(0)
    assert left is not None
    third = story.due(again)
    assert left.id == first.id < second.id
    assert first.id < third.id != second.id


def test_a_torn_tail_loses_only_what_was_not_acknowledged(story: Story) -> None:
    spool = story.spool()
    kept = [request("first"), request("second")]
    for payload in kept:
        spool.append_sync(payload)
    (file,) = segment_files(story.directory)
    whole = file.stat().st_size
    last = request("third")
    frame = frame_header(last) + last
    tails: list[bytes] = [frame[:cut] for cut in range(len(frame))]
    tails += [bytes(4096), frame[:-1] + b"\0", b"\0" * len(frame) + frame, os.urandom(500)]
    for tail in tails:
        copy = story.crash()
        with (copy / file.name).open("ab") as torn:
            torn.write(tail)
        again = story.spool(copy)
        assert again.torn_bytes == len(tail)
        assert again.pending_bytes == whole == (copy / file.name).stat().st_size
        segment = again.take(0)
        assert segment is not None
        assert segment.payload() == b"".join(kept)
        again.close()


def test_a_file_without_a_whole_request_is_dropped(story: Story) -> None:
    story.directory.mkdir()
    name = f"{story.wall_ns:020d}-00000000.segment"
    (story.directory / name).write_bytes(frame_header(b"abc") + b"ab")
    (story.directory / "notes.segment").write_text("somebody's own file")
    spool = story.spool()
    assert spool.take(0) is None
    assert [path.name for path in segment_files(story.directory)] == ["notes.segment"]


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=6), st.binary(max_size=60))
def test_scanning_finds_the_whole_frames_before_anything_else(
    payloads: list[bytes], tail: bytes
) -> None:
    frames = b"".join(frame_header(payload) + payload for payload in payloads)
    requests, size = scan(frames + tail)
    assert requests >= len(payloads)
    assert size >= len(frames)
    if not tail.startswith(b"FTS1"):
        assert (requests, size) == (len(payloads), len(frames))


@given(st.binary(min_size=1, max_size=40), st.data())
def test_no_single_changed_bit_goes_unnoticed(payload: bytes, data: st.DataObject) -> None:
    frame = bytearray(frame_header(payload) + payload)
    bit = data.draw(st.integers(0, len(frame) * 8 - 1))
    frame[bit // 8] ^= 1 << bit % 8
    assert scan(bytes(frame)) == (0, 0)


_WRITER = """
import asyncio, sys
from pathlib import Path
from collector.spool import Spool

async def client(spool, client, acknowledged):
    for n in range(10**9):
        await spool.append(f"{client}:{n};".encode() * 20)
        sys.stdout.write(f"{client}:{n}\\n")
        sys.stdout.flush()

async def main():
    spool = Spool(Path(sys.argv[1]), segment_bytes=20_000)
    await asyncio.gather(*(client(spool, c, 0) for c in range(8)))

asyncio.run(main())
"""


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    acknowledged = [next(process.stdout).strip() for _ in range(2000)]
    process.send_signal(signal.SIGKILL)
    # The last line may be cut: it is acknowledged only when it is whole.
    acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
    process.stdout.close()
    process.wait()
    found: list[str] = []
    with Spool(tmp_path) as spool:
        while (segment := spool.take(0)) is not None:
            payload = segment.payload().decode()
            found += payload.split(";")[:-1:20]
            segment.done()
    assert len(found) == len(set(found)), "a request came twice"
    assert set(acknowledged) <= set(found)
    for client in range(8):
        mine = [int(n) for c, n in (item.split(":") for item in found) if int(c) == client]
        assert mine == list(range(len(mine)))
