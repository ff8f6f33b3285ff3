"""Write a scan: the lines of JSON as results come, and everything else at the end, however many rows there are."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from graphdiag.cli.writing import put_all
from graphdiag.errors import UsageError
from graphdiag.interruption import cleaned_up
from graphdiag.lazy import lazy
from graphdiag.output import check_standard_output, standard
from graphdiag.picture_style import STANDARD
from graphdiag.render.registry import Format

if TYPE_CHECKING:
    from rich.console import RenderableType

    from graphdiag.results.scan_report import ScanReport
    from graphdiag.results.scan_rows import ScanRow

_line = lazy("graphdiag.render.data.scan_rows:line")
_STREAMED: Mapping[Format, Callable[..., Any]] = {
    Format.CSV: lazy("graphdiag.render.data.scan_rows:write_csv"),
    Format.PARQUET: lazy("graphdiag.render.data.scan_rows:write_parquet"),
}


class RowsAsTheyCome:
    """A file of JSON lines, each written whole as soon as there is one.

    Args:
        output: The file; standard output if it is ``None`` or ``-``.
    """

    def __init__(self, output: Path | None) -> None:
        self._output = output
        self._stack = ExitStack()
        self._file: IO[bytes] | None = None

    def __enter__(self) -> RowsAsTheyCome:
        if not standard(self._output):
            assert self._output is not None
            try:
                # Not buffered: whoever reads along, or is left with it, has whole lines.
                self._file = self._stack.enter_context(open(self._output, "wb", buffering=0))
            except OSError as error:
                raise UsageError(f"{self._output}: cannot be written: {error.strerror}; give another file.") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, row: ScanRow) -> None:
        """Write a row.

        Raises:
            UsageError: It cannot be written.
        """
        data = _line(row)
        if self._file is None:
            sys.stdout.buffer.write(data)
            check_standard_output()
            return
        try:
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError as error:
            raise UsageError(f"{self._output}: cannot be written: {error.strerror}; give another file.") from error


def write_scan(report: ScanReport, pairs: Sequence[tuple[Format, Path | None]]) -> None:
    """Write a scan in each of its formats.

    Args:
        report: What is written.
        pairs: The formats, each with its file.

    Raises:
        UsageError: A file cannot be written.
    """
    for format_, output in pairs:
        if format_ in _STREAMED:
            _write_rows(report, format_, output)
    from graphdiag.render.html.scan_page import to_html
    from graphdiag.render.registry import render, to_console

    files = dict(pairs)

    def make(format_: Format) -> str | bytes | RenderableType:
        if format_ is Format.HTML:
            return to_html(report, beside=files[format_])
        return to_console(report) if format_ is Format.TEXT else render(report, format_, STANDARD)

    put_all([pair for pair in pairs if pair[0] not in _STREAMED], make)


def _write_rows(report: ScanReport, format_: Format, output: Path | None) -> None:
    """Write all rows to a file beside, which then takes its place."""
    write = _STREAMED[format_]
    if standard(output):
        with tempfile.TemporaryFile() as whole:
            write(report, whole)
            whole.seek(0)
            shutil.copyfileobj(whole, sys.stdout.buffer)
        check_standard_output()
        return
    assert output is not None
    target = os.path.realpath(output)
    beside = os.path.join(os.path.dirname(target), f".graphdiag-{os.urandom(8).hex()}.tmp")

    def remove() -> None:
        if os.path.lexists(beside):
            os.unlink(beside)

    try:
        with cleaned_up(remove):
            try:
                with open(beside, "xb") as file:
                    write(report, file)
                os.replace(beside, target)
            finally:
                remove()
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}; give another file.") from error
