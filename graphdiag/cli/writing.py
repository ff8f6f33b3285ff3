"""Several formats in one run, each with its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from graphdiag.errors import UsageError
from graphdiag.output import plain, put, putting, show, standard
from graphdiag.picture_style import STANDARD, PictureStyle
from graphdiag.render.registry import Format
from graphdiag.written_files import identity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from graphdiag.results.renderable import Renderable

_F = TypeVar("_F")


def pairs_of(formats: Sequence[_F], outputs: Sequence[Path]) -> list[tuple[_F, Path | None]]:
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
    check_distinct([output for output in outputs if not standard(output)])
    return list(zip(formats, outputs, strict=True))


def check_distinct(files: list[Path]) -> None:
    """Refuse two names of one file. Standard output takes several: annotations, say, and the text below them.

    Raises:
        UsageError: There are two.
    """
    seen: dict[object, Path] = {}
    for file in files:
        first = seen.setdefault(identity(file), file)
        if first is not file:
            raise UsageError(f"-o {first}: stands twice; give each --format its own file.")


def put_all(
    pairs: list[tuple[_F, Path | None]],
    make: Callable[[_F], str | bytes | RenderableType],
    others: Sequence[tuple[str, Path]] = (),
) -> None:
    """Write something in each of its formats: to all files and to standard output, or to no file.

    Args:
        pairs: The formats, each with its file.
        make: What is written in a format.
        others: More files that are written with them: contents and files.
    """
    ready = [(make(format_), output) for format_, output in pairs]
    files = [
        (content if isinstance(content, (str, bytes)) else plain(content), output)
        for content, output in ready
        if output is not None and not standard(output)
    ]
    with putting([*others, *files]):
        for content, output in ready:
            if standard(output):
                put(content, None) if isinstance(content, (str, bytes)) else show(content, None)


def write_result(
    result: Renderable,
    pairs: list[tuple[Format, Path | None]],
    style: PictureStyle = STANDARD,
    others: Sequence[tuple[str, Path]] = (),
) -> None:
    """Write a report, a check report or a diff in each of its formats; see `put_all`."""
    from graphdiag.render.registry import render, to_console

    def make(format_: Format) -> str | bytes | RenderableType:
        return to_console(result) if format_ is Format.TEXT else render(result, format_, style)

    put_all(pairs, make, others)
