"""The streams and variables that a process is born with, made fit to use whatever they are."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import select
import sys
from typing import TextIO

_NARROWEST = 20
_WIDEST = 1000
_NOT_FOR_LINES = ("idna", "punycode", "undefined", "unicode_escape")
"""Encodings of Python for other things (documentation of `codecs`, Python Specific Encodings)."""


def prepare() -> None:
    """Make the standard streams and the width of the terminal fit to use; before any file is opened.

    After this, writing to standard output or standard error raises nothing: `failure` tells what went wrong. A name
    that a stream's encoding lacks comes out as an escape.
    """
    _open_closed_descriptors()
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - until the process ends
    sys.stdout = _made_fit(sys.stdout, 1)
    sys.stderr = _made_fit(sys.stderr, 2)
    _limit_width()


def failure(stream: TextIO) -> OSError | None:
    """Write out what a stream still holds.

    Args:
        stream: One that `prepare` has made fit, or any other.

    Returns:
        Why not all that was written to it has arrived; ``None`` also where its reader, as ``head``, has seen enough.
    """
    error: OSError | None
    try:
        stream.flush()
    except OSError as raised:
        error = raised
    else:
        error = getattr(getattr(getattr(stream, "buffer", None), "raw", None), "error", None)
    return None if isinstance(error, BrokenPipeError) else error


def _open_closed_descriptors() -> None:
    """A file that is opened later must not become standard error, where TensorFlow writes its log."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free is taken: this one.
            os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)


def _made_fit(stream: TextIO | None, number: int) -> TextIO:
    encoding = stream.encoding if stream is not None else "utf-8"
    # Python itself has no buffer there with -u.
    unbuffered = isinstance(stream, io.TextIOWrapper) and isinstance(stream.buffer, io.FileIO)
    if isinstance(stream, io.TextIOWrapper) and not isinstance(getattr(stream.buffer, "raw", stream.buffer), io.FileIO):
        # The console of Windows.
        stream.reconfigure(errors="backslashreplace")
        return stream
    raw = _UnfailingFile(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding if _writes_text(encoding) else "utf-8",
        errors="backslashreplace",
        line_buffering=number == 2 or unbuffered or raw.isatty(),
    )


def _writes_text(encoding: str) -> bool:
    """Whether an encoding is one for lines of text: not all are that ``PYTHONIOENCODING`` may name."""
    return codecs.lookup(encoding).name.replace("-", "_") not in _NOT_FOR_LINES


def _limit_width() -> None:
    """Tell what lays out text a width between bounds, where the terminal's own lies outside or is not a number."""
    for variable in ("COLUMNS", "LINES"):
        value = os.environ.get(variable, "")
        if not (value.isascii() and value.isdigit() and 0 < len(value) < 10 and int(value)):
            os.environ.pop(variable, None)
    columns = int(os.environ.get("COLUMNS", 0))
    if not columns:
        for number in (0, 1, 2):
            with contextlib.suppress(OSError):
                columns = os.get_terminal_size(number).columns
                break
    if columns and not _NARROWEST <= columns <= _WIDEST:
        os.environ["COLUMNS"] = str(min(max(columns, _NARROWEST), _WIDEST))


class _UnfailingFile(io.FileIO):
    """A stream that takes everything, and remembers the first error."""

    error: OSError | None = None

    def write(self, data: object) -> int:
        """Write all of it, or as if all of it had been written."""
        left = memoryview(data).cast("B")  # type: ignore[arg-type]
        size = len(left)
        while left and self.error is None:
            try:
                written = super().write(left)
            except OSError as error:
                self.error = error
            else:
                if written is None:
                    # Another process has made the stream one that does not wait.
                    select.select([], [self], [])
                left = left[written or 0 :]
        return size
