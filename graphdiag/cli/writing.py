"""Several formats in one run, each with its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from graphdiag.errors import UsageError
from graphdiag.output import put, show, standard
from graphdiag.report.formats import Format
from graphdiag.report.look import Look

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from graphdiag.report.report import Report

_F = TypeVar("_F")


def pairs_of(formats: list[_F], outputs: list[Path]) -> list[tuple[_F, Path | None]]:
    """Each format with its file; one format alone may go without.

    Raises:
        UsageError: There are not as many files as formats, or two formats have one file.
    """
    if len(formats) == 1 and not outputs:
        return [(formats[0], None)]
    if len(formats) != len(outputs):
        raise UsageError(
            f"{len(formats)} --format and {len(outputs)} -o: give an -o for each --format, '-' for standard output."
        )
    named = [output for output in outputs if not standard(output)]
    for output in named:
        if named.count(output) > 1:
            raise UsageError(f"-o {output}: stands twice; give each --format its own file.")
    return list(zip(formats, outputs, strict=True))


def put_all(pairs: list[tuple[_F, Path | None]], make: Callable[[_F], str | bytes | RenderableType]) -> None:
    """Write something in each of its formats; all are made before the first is written."""
    ready = [(make(format_), output) for format_, output in pairs]
    for content, output in ready:
        if isinstance(content, (str, bytes)):
            put(content, output)
        else:
            show(content, output)


def write_report(report: Report, pairs: list[tuple[Format, Path | None]], look: Look) -> None:
    """Write a report in each of its formats."""
    from graphdiag.report.formats import render
    from graphdiag.report.terminal import render as render_text

    def make(format_: Format) -> str | bytes | RenderableType:
        return render_text(report) if format_ is Format.TEXT else render(report, format_, look)

    put_all(pairs, make)
