"""What the engine refuses of a segment is found by halves, which a crash does not undo."""

from __future__ import annotations

import pytest

from collector.segment import Segment, SegmentDamaged
from tests.spools import Story, names, request, segment_files


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
