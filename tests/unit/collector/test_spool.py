"""What the spool promises: acknowledged is on disk, once, in order, and within its bound."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.later import Stopping
from collector.segment import HEADER_BYTES, Segment, SegmentDamaged, frame_header, scan
from collector.spool import TROUBLE_LASTS, Spool, SpoolFull, SpoolInUse


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Disk:
    """Syncs for real, counts, and holds or fails a sync when told to."""

    def __init__(self) -> None:
        self.synced_sizes: list[int] = []
        self.threads: set[int] = set()
        self.started = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.error: OSError | None = None

    def __call__(self, descriptor: int) -> None:
        self.threads.add(threading.get_ident())
        self.started.set()
        assert self.go.wait(30)
        if self.error is not None:
            raise self.error
        os.fdatasync(descriptor)
        self.synced_sizes.append(os.fstat(descriptor).st_size)


class Story:
    """Makes spools in one directory and their copies as a crash would leave them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "spool"
        self.clock = Clock()
        self.wall_ns = 1_700_000_000_000_000_000
        self.disk = Disk()
        self._copies = itertools.count()
        self._open: list[Spool] = []

    def spool(
        self,
        directory: Path | None = None,
        *,
        max_bytes: int = 1 << 20,
        segment_bytes: int = 1 << 16,
    ) -> Spool:
        spool = Spool(
            directory or self.directory,
            max_bytes=max_bytes,
            segment_bytes=segment_bytes,
            segment_seconds=0.2,
            clock=self.clock,
            wall=lambda: self.wall_ns,
            sync=self.disk,
        )
        self._open.append(spool)
        return spool

    def crash(self) -> Path:
        """The directory as it is now, elsewhere: what a start after kill -9 finds."""
        copy = self.directory.with_name(f"crash-{next(self._copies)}")
        shutil.copytree(self.directory, copy)
        return copy

    def due(self, spool: Spool) -> Segment:
        """The next segment, after enough time for it to close."""
        self.clock.now += 0.2
        segment = spool.take(0)
        assert segment is not None
        return segment

    def close(self) -> None:
        self.disk.go.set()
        for spool in self._open:
            spool.close()


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    story = Story(tmp_path)
    yield story
    story.close()


def request(name: str) -> bytes:
    message = ExportTraceServiceRequest()
    message.resource_spans.add().scope_spans.add().spans.add(name=name)
    return message.SerializeToString()


def names(payload: bytes) -> list[str]:
    return [
        span.name
        for resource in ExportTraceServiceRequest.FromString(payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def segment_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.segment"))


def drain(story: Story, spool: Spool) -> list[str]:
    found = []
    story.clock.now += 1
    while (segment := spool.take(0)) is not None:
        found += names(segment.payload())
        segment.done()
    return found


def test_requests_come_out_as_one_merged_request_in_order(story: Story) -> None:
    spool = story.spool()
    for name in ("first", "second", "third"):
        spool.append_sync(request(name))
    segment = story.due(spool)
    assert segment.requests == 3
    assert names(segment.payload()) == ["first", "second", "third"]


async def test_an_acknowledged_request_was_synced_before(story: Story) -> None:
    spool = story.spool()
    await spool.append(b"x" * 100)
    (file,) = segment_files(story.directory)
    assert story.disk.synced_sizes == [100 + HEADER_BYTES] == [file.stat().st_size]


async def test_appends_that_wait_for_a_sync_share_the_next(story: Story) -> None:
    spool = story.spool()
    story.disk.go.clear()
    first = asyncio.create_task(spool.append(request("first")))
    await asyncio.to_thread(story.disk.started.wait)
    others = [asyncio.create_task(spool.append(request(f"{n}"))) for n in range(200)]
    await asyncio.sleep(0)  # let them run up to their wait
    assert not first.done()
    story.disk.go.set()
    await asyncio.gather(first, *others)
    assert len(story.disk.synced_sizes) == spool.syncs == 2
    assert threading.get_ident() not in story.disk.threads, "a sync blocked the event loop"
    assert names(story.due(spool).payload()) == ["first", *map(str, range(200))]


async def test_a_client_that_went_away_harms_nobody(story: Story) -> None:
    spool = story.spool()
    story.disk.go.clear()
    gone = asyncio.create_task(spool.append(request("gone")))
    stays = asyncio.create_task(spool.append(request("stays")))
    await asyncio.to_thread(story.disk.started.wait)
    gone.cancel()
    story.disk.go.set()
    await stays
    assert names(story.due(spool).payload()) == ["gone", "stays"]


def test_threads_may_append_together(story: Story) -> None:
    spool = story.spool()
    threads = [
        threading.Thread(target=lambda n=n: spool.append_sync(request(str(n)))) for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(drain(story, spool), key=int) == [str(n) for n in range(20)]


def test_a_segment_closes_when_its_first_request_is_old_enough(story: Story) -> None:
    spool = story.spool()
    assert spool.take(0) is None
    spool.append_sync(request("a"))
    story.clock.now += 0.19
    spool.append_sync(request("b"))
    assert spool.take(0) is None
    story.clock.now += 0.02
    segment = spool.take(0)
    assert segment is not None
    assert segment.requests == 2


def test_a_waiting_consumer_gets_the_segment_in_real_time(tmp_path: Path) -> None:
    with Spool(tmp_path, segment_seconds=0.02) as spool:
        taken: list[Segment | None] = []
        consumer = threading.Thread(target=lambda: taken.append(spool.take(30)))
        consumer.start()
        spool.append_sync(request("a"))
        consumer.join(30)
        assert taken[0] is not None
        assert names(taken[0].payload()) == ["a"]


def test_while_the_inserter_is_busy_segments_grow_up_to_their_size(story: Story) -> None:
    payload = request("x" * 90)
    frame = HEADER_BYTES + len(payload)
    spool = story.spool(segment_bytes=10 * frame)
    for _ in range(25):
        spool.append_sync(payload)
        story.clock.now += 0.1
    sizes = []
    while (segment := spool.take(0)) is not None:
        sizes.append(segment.requests)
        segment.done()
    assert sizes == [10, 10, 5]


async def test_one_batch_is_cut_at_the_segment_size(story: Story) -> None:
    payload = request("x" * 90)
    spool = story.spool(segment_bytes=4 * (HEADER_BYTES + len(payload)))
    await asyncio.gather(*(spool.append(payload) for _ in range(10)))
    story.clock.now += 1
    taken = [spool.take(0) for _ in range(4)]
    assert [segment and segment.requests for segment in taken] == [4, 4, 2, None]


def test_a_request_larger_than_a_segment_gets_its_own(story: Story) -> None:
    spool = story.spool(segment_bytes=1000)
    for size in (10, 5000, 10):
        spool.append_sync(b"x" * size)
    story.clock.now += 1
    taken = [spool.take(0) for _ in range(4)]
    assert [segment and len(segment.payload()) for segment in taken] == [10, 5000, 10, None]


def test_a_full_spool_says_when_to_come_back_and_takes_again_after_an_insert(
    story: Story,
) -> None:
    spool = story.spool(max_bytes=3000)
    for _ in range(2):
        spool.append_sync(b"x" * 1400)
    with pytest.raises(SpoolFull) as full:
        spool.append_sync(b"x" * 1400)
    assert full.value.retry_after_seconds == 1.0
    story.clock.now += 12
    with pytest.raises(SpoolFull) as full:
        spool.append_sync(b"x" * 1400)
    assert full.value.retry_after_seconds == pytest.approx(12), (
        "an absent store is asked less often"
    )

    segment = spool.take(0)
    assert segment is not None
    with pytest.raises(SpoolFull):
        spool.append_sync(b"x" * 1400)
    segment.done()
    assert spool.pending_bytes == 0
    spool.append_sync(b"x" * 1400)
    assert "the spool was full" in spool.trouble
    story.clock.now += TROUBLE_LASTS
    assert spool.trouble == ""


def test_an_empty_spool_takes_a_request_larger_than_its_bound(story: Story) -> None:
    spool = story.spool(max_bytes=100)
    spool.append_sync(b"x" * 5000)
    with pytest.raises(SpoolFull):
        spool.append_sync(b"x")


def test_the_bound_holds_for_requests_that_wait_for_a_sync(story: Story) -> None:
    spool = story.spool(max_bytes=3000)
    story.disk.go.clear()
    thread = threading.Thread(target=spool.append_sync, args=(b"x" * 2500,))
    thread.start()
    assert story.disk.started.wait(30)
    with pytest.raises(SpoolFull):
        spool.append_sync(b"x" * 2500)
    story.disk.go.set()
    thread.join()


def test_age_and_bytes_for_health(story: Story) -> None:
    spool = story.spool()
    assert (spool.pending_bytes, spool.oldest) == (0, 0.0)
    spool.append_sync(b"x" * 100)
    story.clock.now += 5
    assert (spool.pending_bytes, spool.oldest) == (100 + HEADER_BYTES, 5.0)
    segment = spool.take(0)
    assert segment is not None
    assert spool.oldest == 5.0
    segment.done()
    assert (spool.pending_bytes, spool.oldest) == (0, 0.0)


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


def test_a_refused_segment_is_halved_until_the_refused_request_is_alone(story: Story) -> None:
    spool = story.spool()
    for n in range(7):
        spool.append_sync(request(f"poison-{n}" if n == 4 else f"good-{n}"))
    inserted: list[str] = []

    def insert(segment: Segment) -> None:
        found = names(segment.payload())
        if any(name.startswith("poison") for name in found):
            if segment.requests == 1:
                segment.reject("the engine says no")
            else:
                for half in segment.split():
                    insert(half)
        else:
            inserted.extend(found)
            segment.done()

    whole = story.due(spool)
    insert(whole)
    assert inserted == [f"good-{n}" for n in (0, 1, 2, 3, 5, 6)]
    assert segment_files(story.directory) == list(story.directory.glob("*.split")) == []
    assert spool.pending_bytes == 0
    (kept,) = (story.directory / "rejected").glob("*.otlp")
    assert names(kept.read_bytes()) == ["poison-4"]
    assert kept.name.startswith(whole.id)
    assert kept.with_name(kept.name + ".reason.txt").read_text() == "the engine says no\n"


def test_halves_sort_within_their_segment_and_keep_it_until_both_are_finished(
    story: Story,
) -> None:
    spool = story.spool()
    for n in range(4):
        spool.append_sync(request(str(n)))
    whole = story.due(spool)
    first, second = whole.split()
    assert [first.id, second.id] == sorted({first.id, second.id, whole.id})[1:]
    assert names(first.payload()) + names(second.payload()) == ["0", "1", "2", "3"]
    second.done()
    assert len(segment_files(story.directory)) == 1
    first.done()
    assert segment_files(story.directory) == []


def test_after_a_crash_the_same_halves_come_back_not_the_whole(story: Story) -> None:
    spool = story.spool()
    for n in range(6):
        spool.append_sync(request(str(n)))
    first, second = story.due(spool).split()
    first.done()
    third, fourth = second.split()
    third.done()
    fresh = (first, third, fourth)

    again = story.spool(story.crash())
    left = [again.take(0) for _ in range(4)]
    assert left.pop() is None
    assert [(s.id, s.payload()) for s in left if s] == [(s.id, s.payload()) for s in fresh]
    for segment in left:
        assert segment is not None
        segment.done()
    assert [path.name for path in again.directory.iterdir()] == ["lock"]


def test_a_note_of_halves_that_was_cut_by_the_crash_counts_for_nothing(story: Story) -> None:
    spool = story.spool()
    for n in range(2):
        spool.append_sync(request(str(n)))
    whole = story.due(spool)
    copy = story.crash()
    (copy / f"{whole.id}.split").write_bytes(b"*")
    segment = story.spool(copy).take(0)
    assert segment is not None
    assert segment.id == whole.id


def test_a_single_request_is_not_split_and_a_segment_is_finished_once(story: Story) -> None:
    spool = story.spool()
    spool.append_sync(request("only"))
    segment = story.due(spool)
    with pytest.raises(ValueError, match="single request"):
        segment.split()
    segment.done()
    with pytest.raises(ValueError, match="finished before"):
        segment.done()


def test_a_damaged_segment_is_told_and_can_be_rejected(story: Story) -> None:
    spool = story.spool()
    spool.append_sync(request("a"))
    segment = story.due(spool)
    (file,) = segment_files(story.directory)
    file.write_bytes(b"what is this")
    with pytest.raises(SegmentDamaged, match="no frame at byte 0"):
        segment.payload()
    segment.reject("cannot be read")
    (kept,) = (story.directory / "rejected").glob("*.otlp")
    assert kept.read_bytes() == b"what is this"
    assert "no frame" in kept.with_name(kept.name + ".reason.txt").read_text()


def _no_space(story: Story, spool: Spool) -> None:
    story.disk.error = OSError(28, "No space left on device")
    with pytest.raises(SpoolFull, match="No space left") as full:
        spool.append_sync(request("lost"))
    assert full.value.retry_after_seconds > 0
    story.disk.error = None


def _nothing(story: Story, spool: Spool) -> None:
    spool.append_sync(request("before"))


@pytest.mark.parametrize("earlier", [None, _nothing], ids=["first", "after another"])
def test_a_disk_that_fails_is_a_refusal_and_the_next_request_is_taken(
    story: Story, earlier: Callable[[Story, Spool], None] | None
) -> None:
    spool = story.spool()
    if earlier is not None:
        earlier(story, spool)
    _no_space(story, spool)
    spool.append_sync(request("after"))
    expected = (["before"] if earlier else []) + ["after"]
    copy = story.crash()
    assert drain(story, spool) == expected
    assert spool.pending_bytes == 0
    assert drain(story, story.spool(copy)) == expected, "what was refused came back"


def test_why_requests_are_refused_is_known_until_one_is_taken(story: Story) -> None:
    spool = story.spool()
    assert spool.trouble == ""
    _no_space(story, spool)
    assert "cannot be written: No space left" in spool.trouble
    spool.append_sync(request("after"))
    assert spool.trouble == ""
    _no_space(story, spool)
    story.clock.now += TROUBLE_LASTS
    assert spool.trouble == "", "nobody has tried since"


def test_without_room_nothing_is_taken_and_what_was_accepted_comes_out(tmp_path: Path) -> None:
    short = [""]
    with Spool(tmp_path / "spool", short=lambda: short[0]) as spool:
        spool.append_sync(request("a"))
        short[0] = "the disk is nearly full"
        with pytest.raises(SpoolFull, match="nearly full") as refused:
            spool.append_sync(request("b"))
        assert refused.value.retry_after_seconds > 0
        assert spool.trouble == "the disk is nearly full"
        segment = spool.take(30)
        assert segment is not None
        assert names(segment.payload()) == ["a"]
        segment.done()
        short[0] = ""
        spool.append_sync(request("c"))


def test_closing_syncs_what_was_accepted_and_the_consumer_sees_the_end(story: Story) -> None:
    spool = story.spool()
    spool.append_sync(request("a"))
    spool.close()
    with pytest.raises(Stopping, match="stopping"):
        spool.append_sync(request("b"))
    segment = spool.take(0)
    assert segment is not None
    assert names(segment.payload()) == ["a"]
    segment.done()
    assert spool.take(3600) is None


def test_closing_wakes_a_consumer_that_waits(story: Story) -> None:
    spool = story.spool()
    taken: list[Segment | None] = []
    consumer = threading.Thread(target=lambda: taken.append(spool.take(3600)))
    consumer.start()
    spool.close()
    consumer.join(30)
    assert taken == [None]


def test_a_directory_has_one_spool(story: Story) -> None:
    spool = story.spool()
    with pytest.raises(SpoolInUse, match=str(story.directory)):
        Spool(story.directory)
    spool.close()
    Spool(story.directory).close()


async def test_an_empty_request_is_nothing(story: Story) -> None:
    spool = story.spool()
    await spool.append(b"")
    spool.append_sync(b"")
    assert segment_files(story.directory) == []


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(1, 120)),
            st.tuples(st.sampled_from(["insert", "split", "crash"]), st.just(0)),
        ),
        max_size=25,
    )
)
def test_whatever_happens_every_request_is_inserted_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """Ids stand for deduplication tokens: bytes under a known id are not inserted again."""
    story = Story(tmp_path_factory.mktemp("story"))
    story.disk = Disk()
    spool = story.spool(segment_bytes=300)
    store: dict[str, list[str]] = {}
    sent: list[str] = []

    def insert(segment: Segment) -> None:
        found = names(segment.payload())
        assert store.setdefault(segment.id, found) == found
        segment.done()

    for step, size in steps:
        story.clock.now += 0.2
        if step == "append":
            sent.append(f"{len(sent)}-".ljust(size, "x"))
            spool.append_sync(request(sent[-1]))
        elif step == "crash":
            directory = story.crash()
            spool.close()
            spool = story.spool(directory, segment_bytes=300)
            story.directory = directory
        elif (segment := spool.take(0)) is not None:
            # What the store already has it takes again, so nobody would halve it.
            if step == "split" and segment.requests > 1 and segment.id not in store:
                insert(segment.split()[1])  # the first half waits for the next crash
            else:
                insert(segment)
    directory = story.crash()
    again = story.spool(directory)
    while (left := again.take(0)) is not None:
        insert(left)
    story.close()
    assert sorted(itertools.chain(*store.values())) == sorted(sent)
