"""Sources in other places than this machine's disks, through fsspec: ``s3://bucket/logs``.

What a source needs is copied into a temporary directory, and opened there as any other: of a log the event files, of a
SavedModel its graph and not its variables, of a ``.keras`` archive its JSON and not its weights. No code is run, and no
more is copied than `LARGEST`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from graphdiag.errors import GraphdiagError, SourceError
from graphdiag.extras import INSTALL_REMOTE
from graphdiag.source_names import is_python
from graphdiag.sources.event_runs import is_event_file
from graphdiag.sources.opened import Opened
from graphdiag.sources.saved_model import KERAS_METADATA, SAVED_MODEL_FILES

LARGEST = 4 * 2**30
"""Bytes of all files together that one source needs."""

_ABSENT = (404, 410)
"""HTTP's status of what is not there."""
_PIECE = 4 * 2**20
_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")


def shown(address: str) -> str:
    """An address as it may be shown: without a user's name and password."""
    return _LOGIN.sub("", address)


def file_system(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    What it has listed is not remembered, so that what is new is seen.

    Raises:
        SourceError: fsspec, or the package for this scheme, is not installed; or the address cannot be used.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise SourceError(f"{shown(address)}: needs fsspec, which is not installed: {INSTALL_REMOTE}") from None
    with reading(address):
        system, path = url_to_fs(address, use_listings_cache=False)
    return system, str(path)


@contextmanager
def reading(address: str) -> Iterator[None]:
    """Say of anything that fails inside the block that an address cannot be read.

    Raises:
        SourceError: Something failed: fsspec's file systems raise errors of many libraries.
    """
    try:
        yield
    except GraphdiagError:
        raise
    except FileNotFoundError as error:
        # fsspec's file system for http says so of whatever fails.
        if (failed := _failed_request(error.__cause__)) is not None:
            raise SourceError(f"{shown(address)} cannot be read: {_first_line(failed)}.") from error
        raise SourceError(f"{shown(address)} does not exist.") from None
    except ImportError as error:
        reason = _first_line(error)
        raise SourceError(f"{shown(address)} cannot be read: {reason}.") from error
    except Exception as error:
        raise SourceError(f"{shown(address)} cannot be read: {_first_line(error)}.") from error


def _failed_request(cause: BaseException | None) -> BaseException | None:
    """What went wrong, if a server cannot be reached, or says something else than that there is no such thing."""
    if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError):
        return cause
    return cause if getattr(cause, "status", _ABSENT[0]) not in _ABSENT else None


def _first_line(error: BaseException) -> str:
    said = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return shown(said.strip().partition("\n")[0]).rstrip(".")


def open_remote(address: str, options: Any) -> Opened:
    """Open the source at an address.

    Args:
        address: Of a file, a log directory or a SavedModel directory.
        options: As for `graphdiag.sources.open_source.open_source`.

    Returns:
        The graphs, as of a source on this machine.

    Raises:
        GraphdiagError: It cannot be read, is of no known kind, or is Python code, which is run from this machine only.
    """
    from graphdiag.sources.open_source import open_source

    if is_python(PurePosixPath(address).name):
        raise SourceError(
            f"{shown(address)}: Python code is run from this machine's disks only; copy the project here."
        )
    with copied(address, whole=bool(options.load)) as local, called(local, address):
        return renamed(open_source(local, options), local, address)


@contextmanager
def copied(address: str, *, whole: bool = False) -> Iterator[Path]:
    """A copy of the source at an address, for as long as a block runs.

    Args:
        address: Of a file, a log directory or a SavedModel directory.
        whole: Whether the weights in a ``.keras`` archive are copied too.

    Yields:
        The copy.

    Raises:
        SourceError: It cannot be read.
    """
    system, path = file_system(address)
    with tempfile.TemporaryDirectory(prefix="graphdiag-") as directory:
        local = Path(directory) / (path.rstrip("/").rpartition("/")[2] or "source")
        copy(system, needed(system, path, address), local, address, whole=whole)
        yield local


def needed(system: Any, path: str, address: str) -> Sequence[tuple[str, str]]:
    """The files that the source at a path consists of.

    Returns:
        The path of each file, and its name relative to the source; empty for a source that is one file.

    Raises:
        SourceError: There is nothing, or a directory without anything that graphdiag reads.
    """
    with reading(address):
        root = path.rstrip("/")
        if system.info(root or path)["type"] != "directory":
            around, _, name = root.rpartition("/")
            beside = f"{around}/{KERAS_METADATA}"
            if name in SAVED_MODEL_FILES and system.exists(beside):
                return [(root, ""), (beside, f"../{KERAS_METADATA}")]
            return [(root, "")]
        found = sorted(system.find(root))
        names = [file[len(root) :].strip("/") if file.startswith(root) else file for file in found]
        files = [(file, name) for file, name in zip(found, names, strict=True) if _is_needed(name)]
    if not files:
        raise SourceError(f"{shown(address)} holds neither TensorBoard event files nor a SavedModel.")
    return files


def _is_needed(name: str) -> bool:
    return is_event_file(name.rpartition("/")[2]) or name in (*SAVED_MODEL_FILES, KERAS_METADATA)


def copy(system: Any, files: Sequence[tuple[str, str]], to: Path, address: str, *, whole: bool = False) -> None:
    """Copy files from a file system.

    Args:
        system: fsspec's file system.
        files: The path of each file, and its name relative to ``to``; empty for ``to`` itself.
        to: The directory, or the file, to write.
        address: How messages name the source.
        whole: Whether the weights in a ``.keras`` archive are copied too.

    Raises:
        SourceError: A file cannot be read, or all together are larger than `LARGEST`.
    """
    left = LARGEST
    for path, name in files:
        target = Path(os.path.normpath(to / name)) if name else to
        target.parent.mkdir(parents=True, exist_ok=True)
        with reading(address), system.open(path, "rb") as source:
            left -= (not whole and _copy_archive(source, target)) or _copy_all(source, target, left, address)


def _copy_all(source: Any, target: Path, left: int, address: str) -> int:
    size = 0
    with target.open("wb") as file:
        while piece := source.read(_PIECE):
            size += len(piece)
            if size > left:
                raise SourceError(
                    f"{shown(address)} is larger than {LARGEST / 2**30:,.0f} GiB; copy it to this machine."
                )
            file.write(piece)
    return size


def _copy_archive(source: Any, target: Path) -> int:
    """Of a ``.keras`` archive, the JSON alone; 0 if it is none."""
    import zipfile

    from graphdiag.sources.keras_files import ZIP_SIGNATURE, json_members

    start = source.read(len(ZIP_SIGNATURE))
    source.seek(0)
    if start != ZIP_SIGNATURE:
        return 0
    members = json_members(target, source)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target.stat().st_size


@contextmanager
def called(local: Path, address: str) -> Iterator[None]:
    """In the block, errors about a copy name the address that it was copied from."""
    try:
        yield
    except GraphdiagError as error:
        error.args = tuple(in_words(str(argument), local, address) for argument in error.args)
        error.brief = in_words(error.brief, local, address)
        error.lines = tuple(in_words(line, local, address) for line in error.lines)
        raise


def renamed(opened: Opened, local: Path, address: str) -> Opened:
    """What was opened, with the address in place of the copy's path."""
    notes, model_notes = (
        tuple(in_words(note, local, address) for note in some) for some in (opened.notes, opened.model_notes)
    )
    origin = replace(opened.origin, path=shown(address))
    return replace(opened, origin=origin, notes=notes, model_notes=model_notes)


def in_words(text: str, local: Path, address: str) -> str:
    """A sentence about a copy, as one about the address."""
    return text.replace(str(local), shown(address).rstrip("/"))
