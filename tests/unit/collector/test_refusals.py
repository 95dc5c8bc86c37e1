"""What an error of the engine says of trying again."""

from __future__ import annotations

import pytest

from collector.store.refusals import refusal_of


@pytest.mark.parametrize(
    ("said", "code", "passing"),
    [
        ("Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space", 243, True),
        ("Code: 204. DB::ErrnoException: Cannot fsync data.bin, errno: 5", 204, True),
        ("Code: 1001. DB::Exception: filesystem error: in rename: No space left", 1001, True),
        ("Code: 444. DB::Exception: Protobuf messages are corrupted", 444, False),
        ("nobody answers", 0, True),
    ],
)
def test_what_the_world_does_is_not_held_against_what_is_inserted(
    said: str, code: int, passing: bool
) -> None:
    refusal = refusal_of(RuntimeError(f"{said}\nand more"))
    assert str(refusal) == said
    assert (refusal.code, refusal.passing) == (code, passing)


def test_what_cannot_be_written_down_will_not_fit_later() -> None:
    assert not refusal_of(OverflowError("int too large")).passing
    assert refusal_of(OSError("No space left on device")).passing
