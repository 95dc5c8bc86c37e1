"""What is refused can be read afterwards, within bounds."""

from __future__ import annotations

from pathlib import Path

from collector.refused import Refused


def kept(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def test_a_payload_is_kept_with_its_reason(tmp_path: Path) -> None:
    path = Refused(tmp_path / "new").keep("otlp_http-1.bin", b"{", "not JSON")
    assert path == tmp_path / "new" / "otlp_http-1.bin"
    assert kept(tmp_path / "new") == {
        "otlp_http-1.bin": b"{",
        "otlp_http-1.bin.reason.txt": b"not JSON\n",
    }


def test_the_oldest_go_when_there_are_too_many_files_or_bytes(tmp_path: Path) -> None:
    refused = Refused(tmp_path, max_files=3, max_bytes=100)
    for name in ("a", "b", "c", "d"):
        refused.keep(name, b"x" * 10, "")
    assert [name for name in kept(tmp_path) if "." not in name] == ["b", "c", "d"]
    refused.keep("e", b"x" * 85, "")
    assert [name for name in kept(tmp_path) if "." not in name] == ["d", "e"]
    assert len(kept(tmp_path)) == 4, "reasons go with their files"


def test_bounds_hold_over_a_restart(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        Refused(tmp_path, max_files=2).keep(name, b"", "")
    assert [name for name in kept(tmp_path) if "." not in name] == ["b", "c"]


def test_the_same_name_replaces(tmp_path: Path) -> None:
    refused = Refused(tmp_path, max_files=2)
    refused.keep("a", b"1", "")
    refused.keep("b", b"2", "")
    refused.keep("b", b"3", "again")
    assert kept(tmp_path)["a"] == b"1"
    assert kept(tmp_path)["b"] == b"3"


def test_a_sample_is_cut_and_says_so(tmp_path: Path) -> None:
    Refused(tmp_path, sample_bytes=4).keep("a", b"123456", "bad")
    assert kept(tmp_path)["a"] == b"1234"
    assert kept(tmp_path)["a.reason.txt"] == b"bad\n(the first 4 of 6 bytes are kept)\n"


def test_a_flood_leaves_one_sample_in_each_interval(tmp_path: Path) -> None:
    now = [0.0]
    refused = Refused(tmp_path, min_seconds=1.0, clock=lambda: now[0])
    assert refused.keep("a", b"", "") is not None
    assert refused.keep("b", b"", "") is None
    now[0] = 1.0
    assert refused.keep("c", b"", "") is not None


def test_a_receiver_s_sample_is_named_by_time_and_source(tmp_path: Path) -> None:
    Refused(tmp_path, wall=lambda: 17).sample("zipkin", b"[", "not JSON")
    assert kept(tmp_path)["17-zipkin.bin"] == b"["


def test_a_name_stays_within_the_folder(tmp_path: Path) -> None:
    path = Refused(tmp_path).keep("../../etc/pass wd", b"", "")
    assert path is not None
    assert path.parent == tmp_path


def test_a_folder_that_cannot_be_written_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert Refused(tmp_path / "file" / "folder").keep("a", b"", "") is None
