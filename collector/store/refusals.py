"""What the store cannot do, and whether the same may succeed later."""

from __future__ import annotations

import re
import struct


class StoreError(Exception):
    """The store cannot do what was asked; the message says what and, where known, the remedy."""

    code = 0
    """The engine's number of what went wrong; 0 where it is not the engine that said it."""
    passing = True
    """Whether the same may succeed later: no room, no memory, a server that is away. What the
    engine refuses for its contents is not passing."""


class StoreBusy(StoreError):
    """Another process has the store open."""


PASSING_CODES = {
    # timeouts, network, memory, too many parts, read-only, threads
    *(159, 164, 202, 209, 210, 236, 241, 242, 252, 384, 394, 411, 439, 499, 738, 777, 778, 1002),
    # the disk, and what the system says of its files
    *(74, 75, 76, 77, 87, 88, 172, 173, 204, 214, 243, 400, 424, 425, 458, 531, 566, 586, 1001),
    # the description of OTLP is not found where it was put
    434,
}
"""The engine's codes for what is the world's fault, not the input's."""


def refusal_of(error: Exception) -> StoreError:
    """What an error of the engine or its client says, by the engine's code if it has one."""
    refusal = StoreError(_first_line(error))
    code = re.search(r"Code: (\d+)", str(error))
    if code is not None:
        refusal.code = int(code[1])
        refusal.passing = refusal.code in PASSING_CODES
    else:
        # Values that the client cannot even write down will not fit later either.
        from clickhouse_connect.driver.exceptions import DataError

        unfit = (ValueError, TypeError, AttributeError, OverflowError, struct.error, DataError)
        refusal.passing = not isinstance(error, unfit)
    return refusal


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:2000]
