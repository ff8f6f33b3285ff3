"""Signs of life on standard error; nothing where that is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path


def spinner(what: str) -> AbstractContextManager[object]:
    """Turns while something slow happens."""
    if not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(f"{what} ...")


def opening(source: Path) -> AbstractContextManager[object]:
    """Turns while a source is opened."""
    return spinner("loading TensorFlow and tracing the model" if source.suffix == ".py" else "reading")


@contextmanager
def bar(names: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """Counts the models that are done: what it gives is called with the name of each."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("checking models", total=len(names))
        yield lambda _: progress.advance(bar)
