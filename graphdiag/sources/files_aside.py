"""Keep what a script writes out of the user's directories while its model is looked for.

Scripts make directories for logs, open files for histories and clear old checkpoints before they train. For the length
of a ``with`` block, what Python or TensorFlow would write below some directories goes to a temporary directory instead,
and is read back and imported from there; what would be removed or renamed there stays. Programs that a script starts,
and libraries in C that write by themselves, are not held.
"""

from __future__ import annotations

import builtins
import functools
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, PathFinder, SourceFileLoader
from types import TracebackType
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CACHES = (".cache", ".keras", ".config", ".local", ".matplotlib", ".ipython")
"""Directories in a user's home that libraries keep for later runs: what is downloaded stays there."""
_TEMPORARY = ("tmp", "__autograph_generated")
"""How names of temporary files begin, where the directories hold that for temporary files."""
_FILE_IO = "tensorflow.python.lib.io._pywrap_file_io"
_EVENTS = "tensorflow.python.client._pywrap_events_writer"
_SUMMARIES = "tensorflow.python.ops.gen_summary_ops"


class FilesAside:
    """Redirects what is written below some directories.

    Args:
        roots: The directories.
        aside: The directory to which it goes instead. It is left as it is: code that was imported from there may be
            looked at later on.
    """

    def __init__(self, roots: Iterable[str], aside: str) -> None:
        self._roots = tuple(dict.fromkeys(os.path.realpath(root) for root in roots))
        home = os.path.realpath(os.path.expanduser("~"))
        self._free = tuple(os.path.join(home, name) for name in _CACHES)
        self._temporary = os.path.realpath(tempfile.gettempdir())
        self._aside = os.path.realpath(aside)
        self._free += (self._aside,)
        self._is_used = False
        self._stat: Callable[..., Any] = os.stat
        self._changed: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> FilesAside:
        self._stat = os.stat
        sys.meta_path.insert(0, self)
        for owner in (builtins, io):
            self._replace(owner, "open", self._opening)
        self._replace(os, "open", self._opening_descriptor)
        self._replace(os, "mkdir", self._making_directory)
        for owner, name in ((os, "remove"), (os, "unlink"), (os, "rmdir"), (shutil, "rmtree")):
            self._replace(owner, name, self._removing)
        for name in ("rename", "replace"):
            self._replace(os, name, self._renaming)
        self._replace(os, "chdir", self._changing_directory)
        for name in ("stat", "lstat", "listdir", "scandir", "access"):
            self._replace(os, name, self._reading)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for owner, name, original in reversed(self._changed):
            setattr(owner, name, original)
        self._changed.clear()
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]

    def watch_tensorflow(self, _: object) -> None:
        """Redirect TensorFlow's own functions on files, once it is imported."""
        for module_name, name, change in (
            (_FILE_IO, "CreateDir", self._making_directory),
            (_FILE_IO, "RecursivelyCreateDir", self._making_directory),
            (_FILE_IO, "DeleteFile", self._removing),
            (_FILE_IO, "DeleteRecursively", self._removing),
            (_FILE_IO, "WritableFile", self._writing),
            (_EVENTS, "EventsWriter", self._writing),
            (_SUMMARIES, "create_summary_file_writer", self._making_writer),
        ):
            module = sys.modules.get(module_name)
            if hasattr(module, name):
                self._replace(module, name, change)

    def _replace(self, owner: Any, name: str, change: Callable[[Any], Any]) -> None:
        original = getattr(owner, name)
        self._changed.append((owner, name, original))
        setattr(owner, name, functools.wraps(original)(change(original)))

    # --- where a path leads ------------------------------------------------------------------------------------------

    def _elsewhere(self, path: Any) -> str | None:
        """Where a path is written instead; ``None`` if it is not below the directories."""
        try:
            whole = os.path.abspath(os.fsdecode(path))
        except TypeError:  # a descriptor
            return None
        if any(_inside(whole, free) for free in self._free) or not any(_inside(whole, root) for root in self._roots):
            return None
        if os.path.dirname(whole) == self._temporary and os.path.basename(whole).startswith(_TEMPORARY):
            return None
        return os.path.join(self._aside, *whole.split(os.sep)[1:])

    def _written(self, path: Any) -> str | None:
        """What stands for a path since it was written; ``None`` if it was not."""
        aside = self._elsewhere(path)
        return aside if aside is not None and os.path.lexists(aside) else None

    def _to_write(self, path: Any, keeps: bool) -> Any:
        """Where to write a file, in a directory that is there; with the old content if that is kept."""
        aside = self._elsewhere(path)
        if aside is None:
            return path
        # What is not there in the user's directory must fail as it would there.
        if os.path.isdir(os.path.dirname(os.path.abspath(os.fsdecode(path)))):
            os.makedirs(os.path.dirname(aside), exist_ok=True)
        self._is_used = True
        if keeps and not os.path.lexists(aside) and os.path.isfile(path):
            shutil.copyfile(path, aside)
        return aside

    # --- modules that were written -----------------------------------------------------------------------------------

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        """Find a module that was written, for Python, which looks for files without asking ``os``.

        Args:
            name: The module's whole name.
            path: Where its package looks for modules; ``None`` outside of packages.
            target: Passed over.

        Returns:
            The module's place; ``None`` where it was not written.
        """
        for directory in (sys.path if path is None else path) if self._is_used else ():
            aside = self._elsewhere(directory or os.curdir)
            if aside is None or not os.path.isdir(aside):
                continue
            spec = FileFinder(aside, (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(name)
            # A directory is a package by itself only where Python finds nothing else of this name.
            if spec is not None and (spec.loader is not None or PathFinder.find_spec(name, path) is None):
                return spec
        return None

    # --- what takes the place of each function -----------------------------------------------------------------------

    def _opening(self, original: Any) -> Any:
        def opening(file: Any, mode: Any = "r", *args: Any, **kwargs: Any) -> Any:
            if set("wax+").intersection(mode):
                return original(self._to_write(file, keeps=not set("wx").intersection(mode)), mode, *args, **kwargs)
            return original(self._written(file) or file, mode, *args, **kwargs)

        return opening

    def _opening_descriptor(self, original: Any) -> Any:
        def opening(path: Any, flags: int, *args: Any, dir_fd: int | None = None, **kwargs: Any) -> Any:
            if dir_fd is None:
                writes = bool(flags & _WRITES)
                path = self._to_write(path, keeps=not flags & os.O_TRUNC) if writes else self._written(path) or path
            return original(path, flags, *args, dir_fd=dir_fd, **kwargs)

        return opening

    def _making_directory(self, original: Any) -> Any:
        def making(path: Any, *args: Any, **kwargs: Any) -> Any:
            aside = self._elsewhere(path)
            if aside is None:
                return original(path, *args, **kwargs)
            if original.__name__ == "mkdir" and os.path.lexists(path):
                raise FileExistsError(17, os.strerror(17), path)
            os.makedirs(aside, exist_ok=True)
            return None

        return making

    def _removing(self, original: Any) -> Any:
        def removing(path: Any, *args: Any, **kwargs: Any) -> Any:
            if kwargs.get("dir_fd") is not None or self._elsewhere(path) is None:
                return original(path, *args, **kwargs)
            aside = self._written(path)
            return original(aside, *args, **kwargs) if aside else None

        return removing

    def _renaming(self, original: Any) -> Any:
        def renaming(source: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
            old, new = self._written(source), self._elsewhere(target)
            if new is None and self._elsewhere(source) is None:
                return original(source, target, *args, **kwargs)
            destination = self._to_write(target, keeps=False)
            if old:
                return original(old, destination, *args, **kwargs)
            copy = shutil.copytree if os.path.isdir(source) else shutil.copyfile
            copy(source, destination)
            return None

        return renaming

    def _reading(self, original: Any) -> Any:
        def reading(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
            aside = self._elsewhere(path)
            if aside is None:
                return original(path, *args, **kwargs)
            try:
                self._stat(aside)
            except OSError:
                return original(path, *args, **kwargs)
            return original(aside, *args, **kwargs)

        return reading

    def _changing_directory(self, original: Any) -> Any:
        def changing(path: Any) -> Any:
            aside = self._written(path)
            try:
                self._stat(path)
            except OSError:
                # It was made by the script, and so is not there.
                return original(aside or path)
            return original(path)

        return changing

    def _writing(self, original: Any) -> Any:
        def writing(path: Any, *args: Any, **kwargs: Any) -> Any:
            where = self._to_write(path, keeps=False)
            return original(os.fsencode(where) if isinstance(path, bytes) else where, *args, **kwargs)

        return writing

    def _making_writer(self, original: Any) -> Any:
        def making(writer: Any, logdir: Any, *args: Any, **kwargs: Any) -> Any:
            path = getattr(logdir, "numpy", lambda: logdir)()
            aside = self._elsewhere(path)
            return original(writer, logdir if aside is None else aside, *args, **kwargs)

        return making


def _inside(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip(os.sep) + os.sep)
