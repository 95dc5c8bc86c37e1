"""Runs one command for a parent and takes it along when the parent goes, however it goes.

Started as a script: `leash.py TEMPORARY_DIRECTORY|- COMMAND...`. Writes the command's process id
to stdout. Stdin is the leash: a line `stop` ends the command in order; the end of the file without
it means that the parent died, then the temporary directory goes too. A parent-death signal alone
would not do: it fires when the parent's *thread* ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import shutil
import signal
import subprocess
import sys
import threading

PATIENCE = 15.0
"""Seconds between asking the command to end and ending it."""

PR_SET_PDEATHSIG = 1


def main(temporary: str, command: list[str]) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, preexec_fn=_die_with_me)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    sys.stdout.write(f"{child.pid}\n")
    sys.stdout.flush()

    orphaned = threading.Event()

    def hold() -> None:
        if sys.stdin.readline().strip() != "stop":
            orphaned.set()
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE)
            return
        child.kill()

    threading.Thread(target=hold, daemon=True).start()
    code = child.wait()
    if temporary != "-" and orphaned.is_set():
        shutil.rmtree(temporary, ignore_errors=True)
    return code if code >= 0 else 128 - code


def _die_with_me() -> None:
    """If even the leash is killed outright, the kernel takes the command (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
