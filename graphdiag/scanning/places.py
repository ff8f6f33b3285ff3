"""Write whole files and read them, in a directory or wherever fsspec does."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from graphdiag.errors import GraphdiagError, SourceError, UsageError
from graphdiag.source_names import scheme_of
from graphdiag.sources.files import LARGEST_CONFIG, read_regular
from graphdiag.sources.remote import file_system, reading, shown
from graphdiag.written_files import placing


def check_directory(option: str, place: str) -> None:
    """Make sure that an option names a place for files: a directory, one that can be made, or an address.

    Args:
        option: The option.
        place: What it names; empty if it was not given.

    Raises:
        UsageError: There is something else.
    """
    if place and not scheme_of(place) and os.path.exists(place) and not os.path.isdir(place):
        raise UsageError(f"{option} {place}: is not a directory; give one, or the name of one to make.")


def is_there(place: str, name: str) -> bool:
    """Whether there is a file in a place."""
    if not scheme_of(place):
        return os.path.isfile(os.path.join(place, name))
    system, root = file_system(place)
    with reading(place):
        return bool(system.exists(f"{root.rstrip('/')}/{name}"))


def read_whole(place: str, name: str) -> bytes | None:
    """The content of a file; ``None`` if it is not there or cannot be read.

    Args:
        place: A directory, or an address.
        name: Of the file in it, with ``/``.
    """
    try:
        if not scheme_of(place):
            return read_regular(Path(place, name), LARGEST_CONFIG)
        system, root = file_system(place)
        with reading(place):
            content: bytes = system.cat_file(f"{root.rstrip('/')}/{name}")
            return content
    except (OSError, SourceError):
        return None


def write_whole(place: str, name: str, data: bytes) -> None:
    """Write a file: whole or not at all, as object stores do by themselves.

    Args:
        place: A directory, which is made, or an address.
        name: Of the file in it, with ``/``.
        data: Its content.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        if not scheme_of(place):
            path = Path(place, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            with placing([(data, path)]):
                return
        system, root = file_system(place)
        path_there = f"{root.rstrip('/')}/{name}"
        with reading(place):
            # Object stores have no directories; making a bucket is not for us to do.
            if not hasattr(system, "_pipe_file"):
                system.makedirs(path_there.rpartition("/")[0], exist_ok=True)
            system.pipe_file(path_there, data)
    except OSError as error:
        raise UsageError(f"{shown(place)}: cannot be written: {error.strerror}.") from error
    except GraphdiagError as error:
        raise UsageError(f"{shown(place)}: cannot be written: {_reason(error)}.") from error


def _reason(error: GraphdiagError) -> str:
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return os.strerror(errno.ENOENT) if cause is None else str(cause).partition("\n")[0].rstrip(".")
