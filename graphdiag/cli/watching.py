"""``--watch``: run a command again when what it reads has changed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import click

from graphdiag.errors import UsageError

_SECONDS = 0.5
"""Between two looks at the files."""
_QUIET = 0.3
"""Seconds without a change, after which a file counts as written."""

State = Mapping[Path, tuple[int, int]]


def watching(more: Callable[[], Iterable[Path]] = tuple) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the option ``--watch``.

    Each run is a process of its own, as a model that is built a second time in one process gets other names.

    Args:
        more: What the command reads that its arguments do not name; asked before each look.

    Returns:
        A decorator.
    """

    def start(_: click.Context, __: click.Parameter, value: bool) -> None:
        if value:
            _watch(more)

    return click.option(
        "--watch",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=start,
        help="Run again whenever a file changes, until Ctrl-C.",
    )


def _watch(more: Callable[[], Iterable[Path]]) -> NoReturn:
    if "--update-baseline" in sys.argv:
        raise UsageError("--watch and --update-baseline: accept today's findings once, without --watch.")
    arguments = [argument for argument in sys.argv[1:] if argument != "--watch"]
    command = [sys.executable, "-m", "graphdiag", *arguments]
    before: State | None = None
    while True:
        now = _settled(lambda: _state(arguments, more()))
        if now != before:
            if before is not None:
                print(f"\n--- {_changed(before, now)}, {time.strftime('%H:%M:%S')} ---", file=sys.stderr, flush=True)
            before = now
            subprocess.run(command, check=False)
        time.sleep(_SECONDS)


def _settled(look: Callable[[], State]) -> State:
    """The state of the files, once nobody writes to them."""
    state = look()
    while True:
        time.sleep(_QUIET)
        later = look()
        if later == state:
            return state
        state = later


def _state(arguments: Sequence[str], more: Iterable[Path]) -> State:
    """When each file that the arguments name, or lead to, was changed, and how large it is.

    Files that the command writes do not count, or it would run for ever.
    """
    found: dict[Path, tuple[int, int]] = {}
    written = {Path(argument).resolve() for option, argument in pairwise(arguments) if option in ("-o", "--output")}
    named = [Path(argument.partition("=")[2] if argument.startswith("--") else argument) for argument in arguments]
    for path in (*named, *more):
        for file in _files(path):
            if file.resolve() in written:
                continue
            try:
                status = file.stat()
            except OSError:
                continue
            found[file] = (status.st_mtime_ns, status.st_size)
    return found


def _files(path: Path) -> Iterator[Path]:
    """A file, the files of a directory, or a Python file with those beside and below it, which it may import."""
    try:
        if path.suffix == ".py" and path.is_file():
            yield from _below(path.parent, ".py")
        elif path.is_dir() and path.parts:
            yield from _below(path, "")
        elif path.is_file():
            yield path
    except (OSError, ValueError):
        # The argument is not the name of a file.
        return


def _below(directory: Path, suffix: str) -> Iterator[Path]:
    for place, folders, names in os.walk(directory):
        folders[:] = [folder for folder in folders if not folder.startswith((".", "__pycache__"))]
        yield from (Path(place, name) for name in names if name.endswith(suffix))


def _changed(before: State, now: State) -> str:
    names = [path.name for path in now if now[path] != before.get(path)] or [
        path.name for path in before if path not in now
    ]
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"{names[0]}{more} changed"
