"""A process that is told to stop, in one of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

STUCK = """
import asyncio, threading
from collector.ending import Ending

async def main():
    ending = Ending({longest})
    print("runs", flush=True)
    await ending.wait()
    print("asked", flush=True)

threading.Thread(target=threading.Event().wait).start()  # Python waits for it at the end
asyncio.run(main())
"""


@pytest.fixture
def stuck(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A process with something that never ends, and so many seconds for its end."""
    script = STUCK.format(longest=request.param)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == "runs\n"
        yield one
        one.kill()


@pytest.mark.parametrize("stuck", [0.1], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_gone_in_time_whatever_hangs(
    stuck: subprocess.Popen[str], number: signal.Signals
) -> None:
    stuck.send_signal(number)
    assert stuck.wait(20) == 0
    assert stuck.stdout is not None
    assert stuck.stdout.read() == "asked\n"


@pytest.mark.parametrize("stuck", [60.0], indirect=True)
def test_a_second_signal_ends_it_at_once(stuck: subprocess.Popen[str]) -> None:
    assert stuck.stdout is not None
    stuck.send_signal(signal.SIGTERM)
    assert stuck.stdout.readline() == "asked\n"
    stuck.send_signal(signal.SIGINT)
    assert stuck.wait(20) == -signal.SIGINT
