"""Log directories that are not on this machine, read as TensorBoard reads them.

TensorBoard's file system (``tensorboard.compat.tf.io.gfile``: its own, with fsspec where that is installed, or
TensorFlow's) lives in TensorBoard's process, and the processes that work on logs read local files. So what is new of
event files and models is copied into a temporary directory, which is removed when TensorBoard ends.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from graphdiag.sources.event_runs import is_event_file
from graphdiag.sources.files import LARGEST_JSON
from graphdiag.sources.model_beside import may_be_model
from graphdiag.tensorboard_plugin.files import Directory, File

_CHUNK = 2**24
_NOT_IN_NAMES = re.compile(r"[^\w.-]")
_LONGEST_NAME = 100
_LARGEST_MODEL = 16 * LARGEST_JSON


class RemoteError(Exception):
    """An address cannot be read; what it says is a line for the user."""


@dataclass
class _Copy:
    """A file that is copied as it grows."""

    reader: Any
    local: Path
    size: int = 0


class Mirror:
    """A remote log directory, and the copies of its files.

    Args:
        address: The directory, as TensorBoard was given it.
    """

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        self._copies: dict[str, _Copy] = {}
        self._names: dict[str, str] = {}

    @cached_property
    def _folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="graphdiag-tensorboard-", ignore_cleanup_errors=True)

    @cached_property
    def _gfile(self) -> Any:
        # Whatever this is, TensorBoard itself has imported it before it looked at its log directory.
        from tensorboard.compat import tf

        return tf.io.gfile

    def in_user_words(self, line: str) -> str:
        """A line with the addresses of files in place of those of their copies."""
        for local, address in self._names.items():
            line = line.replace(local, address)
        return line

    def list_directories(self) -> Iterator[Directory]:
        """As `graphdiag.tensorboard_plugin.files.list_directories`; the files are copies.

        Raises:
            RemoteError: The address cannot be read.
        """
        try:
            for path, _, names in self._gfile.walk(self._address):
                found = self._directory(path.rstrip("/"), sorted(names))
                if found.event_files or found.models:
                    yield found
        # What the file systems of others raise is not bounded by any documentation.
        except Exception as error:
            what = str(error).partition("\n")[0] or type(error).__name__
            raise RemoteError(f"{self._address} cannot be read: {what}") from error

    def _directory(self, path: str, names: list[str]) -> Directory:
        relative = path[len(self._address) :].strip("/") or "."
        event_files = tuple(self._copied(f"{path}/{name}") for name in names if is_event_file(name))
        models = {}
        for name in names:
            if may_be_model(name) and not is_event_file(name):
                file = f"{path}/{name}"
                if self._gfile.stat(file).length <= _LARGEST_MODEL:
                    models[name] = self._copied(file)
        return Directory(relative, event_files, models)

    def _copied(self, address: str) -> File:
        """The copy of a file, with what is new of it."""
        copy = self._copies.get(address)
        size = self._gfile.stat(address).length
        if copy is None or size < copy.size:
            name = _NOT_IN_NAMES.sub("_", address.rpartition("/")[2])[-_LONGEST_NAME:]
            local = Path(self._folder.name, f"{len(self._names)}-{name}")
            copy = self._copies[address] = _Copy(self._gfile.GFile(address, "rb"), local)
            self._names[str(local)] = address
            local.write_bytes(b"")
        if size > copy.size:
            with copy.local.open("ab") as target:
                copy.size += _copy_rest(copy.reader, target)
        return File(str(copy.local), copy.size, 0)


def _copy_rest(reader: Any, target: BinaryIO) -> int:
    """Copy what a reader has not yet read; how many bytes that was."""
    copied = 0
    while True:
        try:
            data = reader.read(_CHUNK)
        except Exception as error:
            # TensorBoard's own reader says so at the end of a file.
            if type(error).__name__ == "OutOfRangeError":
                return copied
            raise
        if not data:
            return copied
        copied += target.write(data)
