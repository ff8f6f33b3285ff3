"""How much memory the process that runs graphs may take, and how it is ended when it takes more."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time

LIMIT = 2 * 2**30
"""Bytes on top of what TensorFlow takes when it is loaded."""
EXIT_STATUS = 77
"""Of a process that took more."""

_INTERVAL_S = 0.02


def limit_memory(limit: int = LIMIT) -> None:
    """Have this process end, with `EXIT_STATUS`, as soon as it takes more memory than now and a limit.

    What is asked for at one go is refused from twice the limit on, before it is taken. On systems that do not say how
    much memory a process takes, Windows among them, nothing is limited.

    Args:
        limit: Bytes.
    """
    try:
        import resource
    except ImportError:
        return
    allowed = _peak() + limit
    with contextlib.suppress(OSError, ValueError):
        size = _data_size()
        if size:
            resource.setrlimit(resource.RLIMIT_DATA, (size + 2 * limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))

    def watch() -> None:
        while _peak() <= allowed:
            time.sleep(_INTERVAL_S)
        os._exit(EXIT_STATUS)

    threading.Thread(target=watch, daemon=True).start()


def _peak() -> int:
    """Bytes that the process has taken at most."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _data_size() -> int:
    """Bytes that Linux counts against the limit on data; 0 elsewhere."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next((1024 * int(line.split()[1]) for line in status if line.startswith("VmData:")), 0)
    except OSError:
        return 0
