"""How many files the process may have open: the engine alone has some hundreds, each connection is
one more, and many systems allow a thousand unless a program asks for more."""

from __future__ import annotations

import contextlib
import resource

ENOUGH = 65_536


def allow() -> int:
    """Raise the limit as far as this user may, and useful; says what it is now."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if most == resource.RLIM_INFINITY else min(most, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # what there is has to do
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
