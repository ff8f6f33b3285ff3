"""The directories below a place, each with its files: on a disk, or wherever fsspec lists."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graphdiag.errors import SourceError
from graphdiag.source_names import scheme_of
from graphdiag.sources.remote import file_system, reading, shown
from graphdiag.sources.visits import Visits

_PASSED_OVER = frozenset(
    {
        *(".git", ".hg", ".svn", ".venv", ".tox", ".nox", ".cache", "__pycache__", ".ipynb_checkpoints"),
        *("node_modules", "site-packages", "dist-packages"),
    }
)
"""Directories that hold copies, packages and history, and no runs of the user's."""
_WILD = frozenset("*?[")
_STAMPS = ("ETag", "etag", "md5Hash", "ContentMD5", "generation", "mtime", "LastModified", "last_modified", "updated")
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file.

    Attributes:
        name: In its directory.
        size: Bytes; ``None`` where the listing does not say.
        stamp: Changes with the content; empty where the listing has nothing of the kind.
        modified: Seconds since 1970; ``None`` where the listing does not say.
    """

    name: str
    size: int | None
    stamp: str
    modified: float | None


@dataclass(frozen=True, slots=True)
class Place:
    """What a user gave: a directory, or one file.

    Attributes:
        shown: As it was given.
        address: From any directory, on any machine that has it: the whole path, or the address.
        is_file: Whether it is one file.
    """

    shown: str
    address: str
    is_file: bool


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory below a place.

    Attributes:
        name: Below the place, with ``/``; empty for the place itself.
        files: Its files, in order.
        problem: Why it cannot be listed, in one line; empty if it was.
    """

    name: str
    files: Sequence[FoundFile] = ()
    problem: str = ""


def places(paths: Sequence[str]) -> Iterator[Place]:
    """What the user gave, with patterns replaced by what they match, in order.

    Args:
        paths: Paths, addresses, and patterns of either.

    Raises:
        SourceError: One of them is not there, or matches nothing.
    """
    for path in paths:
        if scheme_of(path):
            yield from _remote_places(path)
        elif os.path.lexists(path) or not _WILD.intersection(path):
            yield _local_place(path)
        else:
            found = sorted(glob.glob(path, recursive=True))
            if not found:
                raise SourceError(f"{path} matches nothing.")
            yield from map(_local_place, found)


def _local_place(path: str) -> Place:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist.") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{path!r} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    return Place(os.path.normpath(path), os.path.abspath(path), not stat.S_ISDIR(mode))


def _remote_places(address: str) -> Iterator[Place]:
    system, path = file_system(address)
    if not _WILD.intersection(path):
        with reading(address):
            is_file = not _is_directory(system, path)
        yield Place(shown(address).rstrip("/"), address.rstrip("/"), is_file)
        return
    with reading(address):
        found = sorted(system.glob(path, detail=True).items())
    if not found:
        raise SourceError(f"{shown(address)} matches nothing.")
    # Everything before the first wildcard is as it was typed.
    fixed = path[: min(path.index(sign) for sign in _WILD if sign in path)]
    before = address[: len(address) - len(path) + len(fixed)]
    for name, info in found:
        rest = name.rstrip("/")[len(fixed) :]
        yield Place(shown(before) + rest, before + rest, info["type"] != "directory")


def _is_directory(system: Any, path: str) -> bool:
    # Whatever HTTP serves can be read as a file; a directory is a page with links to what is below it.
    if path.startswith(("http://", "https://")):
        return bool(system.isdir(path))
    return bool(system.info(path)["type"] == "directory")


def directories(place: Place) -> Iterator[Directory]:
    """A place and the directories below it, each before those that it holds, in the order of the names.

    Args:
        place: A directory.

    Yields:
        Each directory, also one that cannot be listed.

    Raises:
        SourceError: The place itself cannot be listed.
    """
    return _remote_directories(place.address) if scheme_of(place.address) else _local_directories(place)


def file_of(place: Place) -> FoundFile:
    """The file that a place is."""
    if not scheme_of(place.address):
        return _local_file(os.path.basename(place.address), os.stat(place.address))
    system, path = file_system(place.address)
    with reading(place.address):
        return _remote_file(path.rpartition("/")[2], system.info(path))


# --- on a disk -------------------------------------------------------------------------------------------------------


def _local_directories(place: Place) -> Iterator[Directory]:
    # Only links can lead to a directory twice: what was met without one is not remembered, however much it is.
    visits = Visits()
    top = os.path.realpath(place.address)
    waiting = [("", False)]
    while waiting:
        name, over_link = waiting.pop()
        directory = os.path.join(place.address, name) if name else place.address
        try:
            if over_link and (_has_own_path(directory, top) or not visits.is_first(directory)):
                continue
            below, files = _entries(directory)
        except OSError as error:
            problem = f"{os.path.join(place.shown, name) if name else place.shown} cannot be read: {error.strerror}."
            if not name:
                raise SourceError(problem) from error
            if not isinstance(error, FileNotFoundError):  # which was removed meanwhile
                yield Directory(name, problem=problem)
            continue
        yield Directory(name, files)
        waiting += [(f"{name}/{inner}" if name else inner, over_link or is_link) for inner, is_link in reversed(below)]


def _has_own_path(directory: str, top: str) -> bool:
    """Whether a directory to which a link led is met without the link as well."""
    real = os.path.realpath(directory)
    if not os.path.join(real, "").startswith(os.path.join(top, "")):
        return False
    return not _PASSED_OVER.intersection(real[len(top) :].split(os.sep))


def _entries(directory: str) -> tuple[list[tuple[str, bool]], list[FoundFile]]:
    """The directories in a directory, each with whether it is a link; and its files."""
    below, files = [], []
    with os.scandir(directory) as entries:
        for entry in entries:
            try:
                if entry.is_dir():
                    if entry.name not in _PASSED_OVER:
                        below.append((entry.name, entry.is_symlink()))
                elif entry.is_file():
                    files.append(_local_file(entry.name, entry.stat()))
            except OSError:  # a link that leads nowhere, or to itself
                continue
    return sorted(below), sorted(files, key=lambda file: file.name)


def _local_file(name: str, status: os.stat_result) -> FoundFile:
    return FoundFile(name, status.st_size, str(status.st_mtime_ns), status.st_mtime)


# --- wherever fsspec lists -------------------------------------------------------------------------------------------


def _remote_directories(address: str) -> Iterator[Directory]:
    """Listed flat, a directory at the top at a time: a bucket lists a thousand files a request, whatever lies between.

    So as much is held in memory as the largest directory at the top lists.
    """
    system, path = file_system(address)
    root = path.rstrip("/")
    with reading(address):
        top = sorted(system.ls(root or path, detail=True), key=lambda info: str(info["name"]))
    below = [info for info in top if info["type"] == "directory"]
    here = [info for info in top if info["type"] != "directory"]
    yield from _grouped({str(info["name"]): info for info in here}, root)
    for info in below:
        directory = str(info["name"]).rstrip("/")
        name = directory[len(root) :].strip("/")
        if _PASSED_OVER.intersection(name.split("/")) or directory == root:
            continue
        try:
            with reading(f"{address.rstrip('/')}/{name}"):
                found = system.find(directory, detail=True)
        except SourceError as error:
            yield Directory(name, problem=str(error))
            continue
        yield from _grouped(found, root)


def _grouped(found: Mapping[str, Mapping[str, Any]], root: str) -> Iterator[Directory]:
    directories: dict[str, list[FoundFile]] = {}
    for path, info in found.items():
        around, _, name = path.rpartition("/")
        directory = around[len(root) :].strip("/")
        if name and not _PASSED_OVER.intersection(directory.split("/")):
            directories.setdefault(directory, []).append(_remote_file(name, info))
    for directory in sorted(directories, key=lambda name: name.split("/") if name else []):
        yield Directory(directory, sorted(directories[directory], key=lambda file: file.name))


def _remote_file(name: str, info: Mapping[str, Any]) -> FoundFile:
    stamp = next((str(info[key]) for key in _STAMPS if info.get(key)), "")
    time = next((_seconds(info[key]) for key in _TIMES if info.get(key)), None)
    size = info.get("size")
    return FoundFile(name, int(size) if isinstance(size, int) else None, stamp, time)


def _seconds(time: Any) -> float | None:
    if isinstance(time, datetime):
        return time.timestamp()
    if isinstance(time, (int, float)):
        return float(time)
    try:
        return datetime.fromisoformat(str(time).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
