"""Files that are written whole or not at all, several of them together.

A file's new content is written beside it and then takes its place, so that nobody meets half a file. What was there
keeps its mode, owner and extended attributes; where its place cannot be taken without cutting a hard link or changing
the owner, its content is overwritten. A device or a pipe takes the content as it comes.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from errno import EISDIR
from pathlib import Path

from graphdiag.errors import UsageError
from graphdiag.interruption import cleaned_up, held

_DESCRIPTOR = re.compile(r"/(?:dev|proc/(?P<process>self|thread-self|\d+))/fd/(?P<number>\d+)")
_MOST_LINKS = 40
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def descriptor_of(path: Path) -> int | None:
    """The number of the open file that a path names, as 1 for ``/dev/stdout``; links to such names are followed."""
    try:
        name = os.path.abspath(path)
    except OSError:
        # The current directory is gone.
        return None
    for _ in range(_MOST_LINKS):
        found = _DESCRIPTOR.fullmatch(name)
        if found and found["process"] in (None, "self", "thread-self", str(os.getpid())):
            return int(found["number"])
        if not os.path.islink(name):
            return None
        name = os.path.join(os.path.dirname(name), os.readlink(name))
    return None


def identity(path: Path) -> object:
    """The same for two paths only if they name one file; of a pipe or a device, which takes what comes, never."""
    try:
        found = os.stat(path)
    except OSError:
        # Writing it says what is wrong, if anything is.
        with contextlib.suppress(OSError):
            return os.path.realpath(path)
        return path
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) and descriptor_of(path) is None else object()


@contextmanager
def placing(files: Sequence[tuple[bytes, Path]]) -> Iterator[None]:
    """Write several files, all of them or none.

    Args:
        files: The contents, and the files.

    Yields:
        When all contents have been written, and before any file takes its place; if the block raises, none does.

    Raises:
        UsageError: A file cannot be written, or its place cannot be taken. All files are then as they were.
    """
    beside = _Beside()
    with cleaned_up(beside.remove):
        try:
            ready: list[_Placed] = []
            streams: list[tuple[bytes, Path]] = []
            for data, output in files:
                with _reported(output):
                    if _takes_what_comes(output):
                        streams.append((data, output))
                    else:
                        ready.append(_placed(output, data, beside))
            for data, output in streams:
                with _reported(output):
                    _write_stream(output, data)
            yield
            # From the first to the last that takes its place, nothing may come between.
            with held():
                _take_places(ready, beside)
        finally:
            beside.remove()


def write_directory(directory: Path, contents: Mapping[str, bytes]) -> None:
    """Write files into a directory, all of them or none; it is made if there is none.

    Args:
        directory: The directory.
        contents: The files' contents by their names.

    Raises:
        UsageError: The directory cannot be made, or a file cannot be written. What had to be made is gone then.
    """
    made = _made(directory)
    try:
        with placing([(content, directory / name) for name, content in contents.items()]):
            pass
    except BaseException:
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def _made(directory: Path) -> list[Path]:
    """Make a directory and those around it; which had to be made, innermost first."""
    missing = []
    path = directory
    try:
        while not path.exists():
            missing.append(path)
            path = path.parent
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{directory}: cannot be made: {error.strerror}; give another directory.") from error
    return missing


@dataclass(frozen=True)
class _Placed:
    """A file that is about to be written.

    Attributes:
        output: How messages name it.
        target: The file itself, where all links lead.
        data: Its content.
        finished: The file that will take its place; ``None`` if its content is to be overwritten.
    """

    output: Path
    target: str
    data: bytes
    finished: str | None


class _Beside:
    """Temporary files, each in the directory of the file that it is for."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def name(self, target: str) -> str:
        """A new name; short, as the target's own may be as long as can be."""
        name = os.path.join(os.path.dirname(target), f".graphdiag-{os.urandom(8).hex()}.tmp")
        self._names.append(name)
        return name

    def remove(self) -> None:
        for name in self._names:
            with contextlib.suppress(OSError):
                os.unlink(name)


@contextmanager
def _reported(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}; give another file.") from error


# --- writing ---------------------------------------------------------------------------------------------------------


def _takes_what_comes(output: Path) -> bool:
    if descriptor_of(output) is not None:
        return True
    try:
        mode = os.stat(output).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
    return not stat.S_ISREG(mode)


def _write_stream(output: Path, data: bytes) -> None:
    number = descriptor_of(output)
    opened = os.dup(number) if number is not None else os.open(output, os.O_WRONLY)
    # A reader that has seen enough is not an error.
    with contextlib.suppress(BrokenPipeError), open(opened, "wb", buffering=0) as stream:
        _write_all(stream.fileno(), data)


def _placed(output: Path, data: bytes, beside: _Beside) -> _Placed:
    target = os.path.realpath(output)
    try:
        before = os.stat(target)
    except FileNotFoundError:
        before = None
    if before is not None:
        # A file that its owner has protected stays as it is, although another could take its place.
        os.close(os.open(target, os.O_WRONLY))
    if before is not None and before.st_nlink > 1:
        return _Placed(output, target, data, None)
    finished = beside.name(target)
    # What others must not read is not shown to them while it is being written.
    mode = 0o666 if before is None else 0o600
    opened = os.open(finished, _NEW, mode)
    with open(opened, "wb", buffering=0) as file:
        if before is not None and not _given_to(file.fileno(), before):
            return _Placed(output, target, data, None)
        _write_all(file.fileno(), data)
    if before is not None:
        shutil.copystat(target, finished)
        os.utime(finished)
    return _Placed(output, target, data, finished)


def _given_to(descriptor: int, wanted: os.stat_result) -> bool:
    """Give a file to the owner and the group of another; whether that could be done."""
    made = os.fstat(descriptor)
    if (made.st_uid, made.st_gid) == (wanted.st_uid, wanted.st_gid):
        return True
    try:
        os.chown(descriptor, wanted.st_uid, wanted.st_gid)
    except OSError:
        return False
    return True


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


# --- taking places ---------------------------------------------------------------------------------------------------


def _take_places(files: Sequence[_Placed], beside: _Beside) -> None:
    with ExitStack() as undo:
        for number, file in enumerate(files):
            # Nothing comes after the last one that could fail.
            last = number == len(files) - 1
            with _reported(file.output):
                if file.finished is None:
                    _overwrite(file.target, file.data, undo)
                    continue
                if not last:
                    _remember(file.target, beside, undo)
                os.replace(file.finished, file.target)
        undo.pop_all()


def _remember(target: str, beside: _Beside, undo: ExitStack) -> None:
    """Have ``undo`` bring back what is there now."""
    if not os.path.lexists(target):
        undo.callback(_removed, target)
        return
    old = beside.name(target)
    try:
        os.link(target, old)
    except OSError:
        # Not every file system has hard links.
        _copy(target, old)
    undo.callback(os.replace, old, target)


def _copy(target: str, copy: str) -> None:
    found = os.stat(target)
    opened = os.open(copy, _NEW, 0o600)
    with open(opened, "wb") as file, open(target, "rb") as source:
        shutil.copyfileobj(source, file)
        _given_to(file.fileno(), found)
    shutil.copystat(target, copy)


def _removed(target: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(target)


def _overwrite(target: str, data: bytes, undo: ExitStack) -> None:
    with open(target, "r+b", buffering=0) as file:
        undo.callback(_put_content, target, file.readall())
        _write_all(file.fileno(), data)
        file.truncate(len(data))


def _put_content(target: str, data: bytes) -> None:
    with open(target, "r+b", buffering=0) as file:
        _write_all(file.fileno(), data)
        file.truncate(len(data))
