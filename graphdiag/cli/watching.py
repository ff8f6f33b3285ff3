"""``--watch``: run a command again when what it reads has changed."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from graphdiag.errors import GraphdiagError, UsageError
from graphdiag.source_names import PYTHON_SUFFIXES, scheme_of

_SECONDS = 0.5
"""Between two looks at the files."""
_QUIET = 0.3
"""Seconds without a change, after which a file counts as written."""
_RUN_BY_US = "_GRAPHDIAG_WATCHED"
"""The environment variable by which a run knows that it is one of many."""

State = Mapping[Path, tuple[int, int]]
Read = Callable[[Mapping[str, Any]], Iterable[str | Path]]


def watching(read: Read) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the option ``--watch``.

    Each run is a process of its own, as a model that is built a second time in one process gets other names.

    Args:
        read: What the command reads, from the values of its options; asked before each look.

    Returns:
        A decorator.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def run(*, watch: bool, **values: Any) -> Any:
            if watch and not os.environ.pop(_RUN_BY_US, ""):
                _watch(read, values)
            return command(**values)

        return click.option("--watch", is_flag=True, help="Run again whenever a file changes, until Ctrl-C.")(run)

    return decorate


def _watch(read: Read, values: Mapping[str, Any]) -> NoReturn:
    if values.get("update_baseline"):
        raise UsageError("--watch and --update-baseline: accept today's findings once, without --watch.")
    for source in (values.get("source"), values.get("model")):
        if scheme_of(source):
            raise UsageError(f"--watch: {source} is an address, and it is files that are watched; leave it out.")
    written = {file.resolve() for file in values["outputs"]}
    before: State | None = None
    while True:
        now = _settled(lambda: _state(read(values), written))
        if now != before:
            if before is not None:
                print(f"\n--- {_changed(before, now)}, {time.strftime('%H:%M:%S')} ---", file=sys.stderr, flush=True)
            before = now
            command = [sys.executable, "-m", "graphdiag", *sys.argv[1:]]
            subprocess.run(command, check=False, env={**os.environ, _RUN_BY_US: "1"})
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


def _state(read: Iterable[str | Path], written: Collection[Path]) -> State:
    """When each file that is read was changed, and how large it is.

    Files that the command writes do not count, or it would run for ever.
    """
    found: dict[Path, tuple[int, int]] = {}
    for source in read:
        for file in _files(source):
            if file.resolve() in written:
                continue
            try:
                status = file.stat()
            except OSError:
                continue
            found[file] = (status.st_mtime_ns, status.st_size)
    return found


def _files(source: str | Path) -> Iterator[Path]:
    """A file, the files of a directory, or a file of Python code with those that it may import."""
    path = Path(source)
    try:
        if path.is_dir() and path.parts:
            yield from _below(path, "")
        elif not path.is_file():
            yield from _of_module(str(source))
        elif path.suffix in PYTHON_SUFFIXES:
            yield path
            yield from _below(_package(path), ".py")
        else:
            yield path
    except (OSError, ValueError):
        # It is not the name of a file.
        return


def _of_module(reference: str) -> Iterator[Path]:
    """The files of ``package.module:attribute``."""
    from graphdiag.sources.project_modules import find_module

    try:
        found = find_module(reference)
    except GraphdiagError:
        # The command itself says what is wrong.
        return
    if found is not None:
        yield from _below(_package(found[0].file), ".py")


def _package(file: Path) -> Path:
    """The outermost package that a file is in, or else its directory: from there it may import."""
    directory = file.absolute().parent
    while (directory / "__init__.py").is_file() and (directory.parent / "__init__.py").is_file():
        directory = directory.parent
    return directory


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
