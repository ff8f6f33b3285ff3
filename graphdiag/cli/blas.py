"""numpy without the threads of its linear algebra, which no command uses."""

from __future__ import annotations

import os
from pathlib import Path

from graphdiag.source_names import is_python

_THREADS = "OPENBLAS_NUM_THREADS"


def import_numpy_without_threads(*sources: Path | str | None) -> None:
    """Import numpy for a command that reads files.

    OpenBLAS starts a thread for each core when numpy is imported, and each spins for about 30 ms before it sleeps. The
    code of a Python file may want these threads, so nothing happens when one is among the sources.

    Args:
        sources: What the command reads; ``None`` for one that was not given.
    """
    if _THREADS in os.environ or any(is_python(source) for source in sources):
        return
    os.environ[_THREADS] = "1"
    try:
        import numpy  # noqa: F401 - the library reads the variable when it is loaded
    finally:
        # It is not for the programs that a command starts.
        del os.environ[_THREADS]
