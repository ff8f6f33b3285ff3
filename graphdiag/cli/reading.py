"""What a command can do without when it reads files and runs no code of the user's."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import click

from graphdiag.garbage import no_garbage_collection
from graphdiag.source_names import may_be_python

_THREADS = "OPENBLAS_NUM_THREADS"


def only_read(*sources: Path | str | None) -> None:
    """Import numpy without threads, and switch garbage collection off until the command ends.

    A graph is columns without cycles: with a million ops the collector takes a tenth of the time and frees nothing. The
    code of a Python file may need both, so nothing happens when one is among the sources.

    Args:
        sources: What the command reads; ``None`` for one that was not given.
    """
    if any(may_be_python(source) for source in sources):
        return
    import_numpy_without_threads()
    command = click.get_current_context()
    command.with_resource(no_garbage_collection())
    # Before the collector is on again: it would walk all that was made meanwhile, and the process ends anyway.
    command.call_on_close(gc.freeze)


def import_numpy_without_threads() -> None:
    """Import numpy without the threads of its linear algebra, which no command uses.

    OpenBLAS starts a thread for each core when numpy is imported, and each spins for about 30 ms before it sleeps.
    """
    if _THREADS in os.environ:
        return
    os.environ[_THREADS] = "1"
    try:
        import numpy  # noqa: F401 - the library reads the variable when it is loaded
    finally:
        # Programs that a command starts may need their threads.
        del os.environ[_THREADS]
