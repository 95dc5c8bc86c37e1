"""No byte of what is masked is in the store's folder, whichever way a message takes through it."""

from __future__ import annotations

import json
from pathlib import Path

from collector.conventions.own import BusinessId, Own
from collector.intake import Intake
from collector.metrics import Counters
from collector.packing import Packing
from collector.store.client import Store
from collector.taps.tap import Batch
from tests.benchmarks.world import apart

SECRET = b"4111-1111-secret"


def batch(offset: int, body: bytes, *headers: tuple[str, bytes]) -> Batch:
    made = Batch("kafka", "c1")
    made.destination.append("orders")
    made.incarnation.append("i1")
    made.partition.append("0")
    made.offset.append(offset)
    made.time.append(1_700_000_000_000)
    made.key.append(b"visible-key")
    made.value.append(body)
    made.header_names.append([name for name, _ in headers])
    made.header_values.append([value for _, value in headers])
    return made


def bearing(folder: Path, needle: bytes) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and needle in file.read_bytes()]


def test_nothing_of_it_reaches_the_disk(tmp_path: Path) -> None:
    apart(nothing_of_it_reaches_the_disk, tmp_path)


def test_what_is_masked_is_no_id(tmp_path: Path) -> None:
    apart(what_is_masked_is_no_id, tmp_path)


# In processes of their own, for the engine opens one directory in each.


def nothing_of_it_reaches_the_disk(tmp_path: Path) -> None:
    secret = SECRET.decode()
    folder = tmp_path / "store"
    with Store(folder) as store:
        # Stored as they come, so that a search of the files finds what is there.
        for table in ("messages", "ids"):
            store.command(f"ALTER TABLE {table} MODIFY SETTING min_bytes_for_wide_part = 0")
        for column in ("headers", "value", "key"):
            kind = store.query(
                "SELECT type FROM system.columns WHERE database = currentDatabase() "
                "AND table = 'messages' AND name = {name:String}",
                {"name": column},
            )[0][0]
            store.command(f"ALTER TABLE messages MODIFY COLUMN {column} {kind} CODEC(NONE)")
        intake = Intake(
            store,
            Counters(),
            lambda: None,
            packing=Packing(
                store.own,
                masked=["authorization"],
                masked_paths=["$.card", "$..password"],
                body_bytes=200,
            ),
        )
        intake.start()
        bodies: tuple[dict[str, object], ...] = (
            {"card": secret},
            {"card": {"number": secret}, "id": "1", "specversion": "1.0", "type": "t"},
            {"user": [{"password": secret}], "pad": "x" * 1_000},
            {"pad": "x" * 1_000, "card": secret, "specversion": "1.0", "id": "2"},
        )
        for offset, body in enumerate(bodies):
            whole = json.dumps({**body, "seen": "visible-body"}).encode()
            for turn, name in enumerate(("Authorization", "AUTHORIZATION")):
                headers = ((name, SECRET), ("plain", b"visible-header"))
                intake.messages(batch(offset * 10 + turn, whole, *headers))
        intake.messages(batch(100, b'{"card": "' + SECRET, ("authorization", SECRET)))
        assert intake.stop(20)
        assert store.query("SELECT count() FROM messages")[0][0] == 9
        assert bearing(folder, SECRET) == []
        for shown in (b"visible-key", b"visible-header", b"visible-body"):
            assert bearing(folder, shown), f"a search does not even find {shown!r}"
    assert bearing(folder, SECRET) == []


def what_is_masked_is_no_id(tmp_path: Path) -> None:
    own = Own(ids=(BusinessId("order", ("$.order",)),))
    with Store(tmp_path / "store", own=own) as store:
        names = ["message-id", "correlation-id"]
        intake = Intake(
            store,
            Counters(),
            lambda: None,
            packing=Packing(store.own, masked=names, masked_paths=["$.order"]),
        )
        intake.start()
        for offset in range(2):
            headers = [(name, b"x%d" % offset) for name in names]
            intake.messages(batch(offset, b'{"order": "1"}', *headers))
        assert intake.stop(20)
        assert store.query("SELECT DISTINCT kind, id FROM ids") == [("key", "visible-key")]
