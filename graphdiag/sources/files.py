"""Read a file whole, with one kind of error."""

from __future__ import annotations

from pathlib import Path

from graphdiag.errors import SourceError


def read_start(path: Path, size: int = 64) -> bytes:
    """The first bytes of a file; fewer when it is shorter.

    Raises:
        SourceError: The file cannot be read, or is empty.
    """
    try:
        with path.open("rb") as file:
            start = file.read(size)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not start:
        raise SourceError(f"{path} is empty.")
    return start


def read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        SourceError: The file cannot be read, or is empty.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not data:
        raise SourceError(f"{path} is empty.")
    return data
