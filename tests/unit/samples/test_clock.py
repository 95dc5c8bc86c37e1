"""A process that plays a service goes by the clock that it was given; its ledger does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

SAY = """
import json, time
from pathlib import Path
from samples.shop import services
from samples.shop.entries import Ready
from samples.shop.events import cloud_event
event = dict(cloud_event("order.created", "storefront", {}, "o-1").headers)
print(json.dumps([time.time(), time.time_ns() / 1e9, Ready("points", 1).time / 1e9,
    event["ce_time"].decode()]))
"""


@pytest.mark.parametrize("off", [-3600.0, 0.0])
def test_only_the_ledger_has_the_true_time(off: float) -> None:
    said = subprocess.run(
        [sys.executable, "-c", SAY],
        env={**os.environ, "SHOP_CLOCK_OFF": str(off)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, nanoseconds, ledger, event = json.loads(said.stdout)
    now = time.time()
    assert seconds == pytest.approx(now + off, abs=60)
    assert nanoseconds == pytest.approx(seconds, abs=1)
    assert ledger == pytest.approx(now, abs=60)
    assert event.startswith(time.strftime("%Y-%m-%dT%H", time.gmtime(seconds)))
