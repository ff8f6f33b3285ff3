"""Which files of a local log directory the tab reads: event files, and what may hold a Keras model."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from graphdiag.sources.event_runs import is_event_file
from graphdiag.sources.model_beside import START, is_json, may_be_keras_json, may_be_model
from graphdiag.sources.visits import Visits, name_below


@dataclass(frozen=True)
class File:
    """A file, as it was seen.

    Attributes:
        path: Where it is, links followed.
        size: Its bytes.
        changed: When it was changed, in nanoseconds since 1970.
    """

    path: str
    size: int
    changed: int


@dataclass(frozen=True)
class Directory:
    """A directory below a log directory.

    Attributes:
        relative: From the log directory; ``.`` for itself.
        event_files: In TensorBoard's order.
        models: Files that may hold a Keras model, by their names.
        refused: What was not read, in one line; empty if there is nothing.
    """

    relative: str
    event_files: Sequence[File] = ()
    models: dict[str, File] = field(default_factory=dict)
    refused: str = ""


def list_directories(top: str, allowed: Sequence[str]) -> Iterator[Directory]:
    """The directories of a log that hold something to read.

    Links are followed as TensorBoard follows them, but only to what lies in a log directory itself.

    Args:
        top: The log directory.
        allowed: The log directories, links followed: nothing outside of them is read.

    Yields:
        Each directory with event files, with models or with something refused, in the order of their names.
    """
    visits = Visits()
    waiting = [(top, ".")]
    while waiting:
        path, relative = waiting.pop()
        try:
            if not visits.is_first(path):
                continue
            with os.scandir(path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            if relative != ".":
                yield Directory(relative, refused=f"{relative} cannot be read: {error.strerror}.")
            continue
        below, directory = _sorted_out(entries, relative, allowed)
        if directory.event_files or directory.models or directory.refused:
            yield directory
        waiting += [(os.path.join(path, name), name_below(relative, name)) for name in reversed(below)]


def _sorted_out(
    entries: Sequence[os.DirEntry[str]], relative: str, allowed: Sequence[str]
) -> tuple[list[str], Directory]:
    """Names of the directories in a directory, and what else in it is read."""
    below: list[str] = []
    event_files: list[File] = []
    models: dict[str, File] = {}
    refused = ""
    for entry in entries:
        wanted = is_event_file(entry.name) or may_be_model(entry.name)
        try:
            is_directory = entry.is_dir()
            if not (wanted or is_directory):
                continue
            real = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
            status = entry.stat()
        except OSError:  # a link that leads nowhere, or to itself
            continue
        if entry.is_symlink() and not _is_inside(real, allowed):
            if is_directory or is_event_file(entry.name):
                refused = f"{name_below(relative, entry.name)} is a link out of the log directory and was not read."
        elif is_directory:
            below.append(entry.name)
        elif not stat.S_ISREG(status.st_mode):
            if is_event_file(entry.name):
                refused = f"{name_below(relative, entry.name)} is not a regular file and was not read."
        elif is_event_file(entry.name):
            event_files.append(File(real, status.st_size, status.st_mtime_ns))
        elif may_be_model(entry.name):
            models[entry.name] = File(real, status.st_size, status.st_mtime_ns)
    return below, Directory(relative, tuple(event_files), models, refused)


def _is_inside(path: str, allowed: Sequence[str]) -> bool:
    return any(path == top or path.startswith(os.path.join(top, "")) for top in allowed)


def may_hold_model(file: File) -> bool:
    """Whether a JSON file begins as a Keras model does; other files with a model's suffix always may hold one."""
    if not is_json(file.path):
        return True
    try:
        with open(file.path, "rb") as content:
            return may_be_keras_json(content.read(START), file.size)
    except OSError:
        return False
