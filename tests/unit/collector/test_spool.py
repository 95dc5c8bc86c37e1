"""What the spool promises: acknowledged is on disk, once, in order, and within its bound."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.later import Stopping
from collector.segment import HEADER_BYTES, Segment
from collector.spool import TROUBLE_LASTS, Spool, SpoolFull, SpoolInUse
from tests.spools import Disk, Story, drain, names, request, segment_files


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
