"""Notes in which line of the user's files each layer is made, while a script runs.

The line is the innermost one of the user's own code on the way to the layer's making: the call of the layer's class,
or the call of a function that builds layers elsewhere, as those of ``keras.applications``.
"""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from graphdiag.sources.opened import SourceLine

_PACKAGES = ("graphdiag", "keras", "tf_keras", "tensorflow")
_INSTALLED = ("site-packages", "dist-packages")


class LayerLocator:
    """Wraps ``__new__`` of layer classes for the length of a ``with`` block.

    Every layer is made through it, whether its class calls ``super().__init__()`` first, last or not at all. `watch` is
    called inside the block; leaving the block puts every class back as it was, whatever happened inside.

    Args:
        script: The file that runs, as the user gave it. What lies in its directory, or in the one that graphdiag runs
            in, is the user's own code, unless it is an installed package.
    """

    def __init__(self, script: Path) -> None:
        self._script = str(script)
        around = script.parent
        self._roots = {os.path.realpath(around): str(around), os.path.abspath(around): str(around)}
        self._roots.setdefault(os.getcwd(), ".")
        self._shown: dict[str, str | None] = {}
        self._watched: dict[type, Any] = {}
        self._made: dict[int, tuple[object, SourceLine]] = {}

    def __enter__(self) -> LayerLocator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for cls, original in self._watched.items():
            cls.__new__ = original  # type: ignore[method-assign]
        self._watched.clear()

    def written_to(self, aside: str) -> None:
        """Take for the user's own what the script writes, which goes to another directory below this one."""
        for root, given in list(self._roots.items()):
            self._roots[os.path.join(aside, *root.split(os.sep)[1:])] = given

    def watch(self, base: type) -> None:
        """Note where objects of a class and of its subclasses are made.

        Args:
            base: ``keras.Operation`` or ``tf_keras.layers.Layer``.
        """
        # tf_keras's Layer has its `__new__` from a base class that chooses between those of TF 1 and of TF 2.
        maker = next(cls for cls in base.__mro__ if "__new__" in vars(cls))
        if maker is not object and maker not in self._watched:
            self._watched[maker] = vars(maker)["__new__"]
            maker.__new__ = staticmethod(self._noting(maker.__new__))  # type: ignore[method-assign]

    def _noting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def new(cls: type, *args: Any, **kwargs: Any) -> Any:
            made = original(cls, *args, **kwargs)
            line = self.line_of_frame(sys._getframe(1))
            if line is not None:
                # The object is kept, or another one might get its id.
                self._made[id(made)] = (made, line)
            return made

        return new

    def is_own(self, filename: str) -> bool:
        """Whether a file of Python code is the user's own."""
        return self._path(filename) is not None

    def made(self) -> Sequence[tuple[object, SourceLine]]:
        """What the user's code made inside the block, in this order, each with its line."""
        return list(self._made.values())

    def line_of_frame(self, frame: FrameType | None) -> SourceLine | None:
        """The innermost line of the user's code that a frame was called from, or is."""
        while frame is not None:
            shown = self._path(frame.f_code.co_filename)
            if shown is not None:
                return shown, frame.f_lineno
            frame = frame.f_back
        return None

    def _path(self, filename: str) -> str | None:
        """A file of the user's as it is shown; ``None`` for all other code."""
        if filename not in self._shown:
            self._shown[filename] = self._script if filename == self._script else self._own(filename)
        return self._shown[filename]

    def _own(self, filename: str) -> str | None:
        if filename.startswith("<") or os.path.basename(filename).startswith("__autograph_generated"):
            return None
        path = os.path.abspath(filename)
        if any(part in _INSTALLED for part in Path(path).parts) or any(_inside(path, root) for root in _foreign()):
            return None
        for root, given in self._roots.items():
            if _inside(path, root):
                return os.path.normpath(os.path.join(given, os.path.relpath(path, root)))
        return None

    def line_of(self, made: int) -> SourceLine | None:
        """Where the object of an ``id`` was made; ``None`` if no code of the user's made it inside the block."""
        return self._made[made][1] if made in self._made else None


def _foreign() -> list[str]:
    """Directories of Python's own library, of Keras, of TensorFlow, and of graphdiag, wherever they are installed."""
    files = [getattr(sys.modules.get(package), "__file__", None) for package in _PACKAGES]
    return [sysconfig.get_path("stdlib"), *(os.path.dirname(file) for file in files if file)]


def _inside(path: str, directory: str) -> bool:
    return path.startswith(directory.rstrip(os.sep) + os.sep)
