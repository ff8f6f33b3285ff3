"""Read files: regular ones only, so that no FIFO or device makes us wait for ever, and none larger than expected."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from graphdiag.errors import SourceError

LARGEST_MESSAGE = 2**31 - 1
"""Bytes of a protobuf message; protobuf itself reads no larger one."""
LARGEST_JSON = 64 * 2**20
"""Bytes of the JSON of a Keras model. A thousand layers take about one megabyte."""
LARGEST_SAVED = 2**30
"""Bytes of what graphdiag itself saves. A report on a million ops takes about 250 MB."""
LARGEST_CONFIG = 16 * 2**20
"""Bytes of a configuration or a baseline."""


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises:
        OSError: It cannot be opened, or is not a regular file; ``strerror`` is a clause for the user.
    """
    # Opening a FIFO waits for its writer, and opening a device may do anything, so look before.
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return path.open("rb")


def read_regular(path: Path, largest: int) -> bytes:
    """The content of a file.

    Args:
        path: The file.
        largest: Bytes it may have.

    Raises:
        OSError: It cannot be read, is not a regular file, or is larger; ``strerror`` is a clause for the user.
    """
    with open_regular(path) as file:
        # Some files of the system say that they are empty and are not.
        if os.fstat(file.fileno()).st_size <= largest:
            data = file.read(largest + 1)
            if len(data) <= largest:
                return data
    raise OSError(errno.EFBIG, f"it is larger than {largest / 2**20:,.0f} MiB", str(path))


_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def read_start(path: Path, size: int = 64) -> bytes:
    """The first bytes of a file; fewer when it is shorter.

    Raises:
        SourceError: The file cannot be read, is empty, or only says where Git LFS keeps it.
    """
    try:
        with open_regular(path) as file:
            start = file.read(size)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not start:
        raise SourceError(f"{path} is empty.")
    if start.startswith(_LFS_POINTER):
        raise SourceError(f"{path} is a Git LFS pointer, and not the file itself; run 'git lfs pull' first.")
    return start


def read_bytes(path: Path, largest: int = LARGEST_MESSAGE) -> bytes:
    """The content of a file of at most so many bytes.

    Raises:
        SourceError: The file cannot be read, is empty, or is larger.
    """
    try:
        data = read_regular(path, largest)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not data:
        raise SourceError(f"{path} is empty.")
    return data
