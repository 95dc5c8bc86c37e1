"""A disk that gets full, and trouble that is told once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from collector.room import Room
from collector.trouble import Trouble


class Disk:
    def __init__(self) -> None:
        self.free = 100
        self.now = 0.0
        self.looks = 0

    def look(self, _folder: Path) -> int:
        self.looks += 1
        if self.free < 0:
            raise OSError("gone")
        return self.free

    def room(self) -> Room:
        return Room(Path("/store"), 50, free=self.look, clock=lambda: self.now)


def test_it_is_looked_at_once_a_second(caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk()
    room = disk.room()
    assert [room.short() for _ in range(3)] == ["", "", ""]
    assert disk.looks == 1
    disk.free = 49
    assert room.short() == ""
    disk.now = 1.0
    assert "the disk of /store has 49 B left, less than the 50 B" in room.short()
    disk.now = 2.0
    assert room.short()
    disk.free, disk.now = 50, 3.0
    assert room.short() == ""
    assert len(caplog.records) == 2


def test_a_folder_that_cannot_be_looked_at_is_not_full() -> None:
    disk = Disk()
    disk.free = -1
    assert disk.room().short() == ""


def test_trouble_is_told_when_it_begins_and_when_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trouble = Trouble(logging.getLogger("test"), "it waits: %s", "it goes on")
    trouble.end()
    for reason in ("no room", "no memory", "no room"):
        trouble.begin(reason)
        assert trouble.reason == reason
    trouble.end()
    assert trouble.reason == ""
    assert [record.getMessage() for record in caplog.records] == ["it waits: no room", "it goes on"]
