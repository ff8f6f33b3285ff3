"""Signs of life on standard error; nothing where that is not a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from graphdiag.interruption import cleaned_up
from graphdiag.source_names import is_python

_LINE_CLEARED_AND_CURSOR_SHOWN = b"\r\x1b[2K\x1b[?25h"


@contextmanager
def spinner(what: str) -> Iterator[None]:
    """Turns while something slow happens."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    # While TensorFlow loads, the process's standard error leads elsewhere.
    with os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding) as terminal:
        status = Console(file=terminal).status(f"{what} ...")
        with cleaned_up(_leave_terminal), status:
            yield


def _leave_terminal() -> None:
    # Past rich and Python's streams: a signal may have come while their locks were held.
    if os.isatty(2):
        os.write(2, _LINE_CLEARED_AND_CURSOR_SHOWN)


def opening(source: Path | str) -> AbstractContextManager[object]:
    """Turns while a source is opened."""
    return spinner("loading TensorFlow and tracing the model" if is_python(source) else "reading")


@contextmanager
def counter(what: str) -> Iterator[Callable[[], None]]:
    """Counts what is done, where nobody knows how much there is: what it gives is called for each."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed:,}"), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    with cleaned_up(_leave_terminal), progress:
        task = progress.add_task(what, total=None)
        yield lambda: progress.advance(task)


@contextmanager
def bar(names: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """Counts the models that are done: what it gives is called with the name of each."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    progress = Progress(console=Console(stderr=True), transient=True)
    with cleaned_up(_leave_terminal), progress:
        bar = progress.add_task("checking models", total=len(names))
        yield lambda _: progress.advance(bar)
