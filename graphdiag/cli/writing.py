"""Several formats in one run, each with its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from graphdiag.errors import UsageError
from graphdiag.output import plain, put, putting, show, standard
from graphdiag.picture_style import STANDARD, PictureStyle
from graphdiag.render.registry import Format
from graphdiag.render.suffixes import check_suffix, format_of_file
from graphdiag.written_files import identity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from graphdiag.results.renderable import Renderable


def pairs_of(
    formats: Sequence[Format], outputs: Sequence[Path], choices: Sequence[Format]
) -> list[tuple[Format, Path | None]]:
    """Each format with its file; one format alone may go without, and files may go without formats.

    Args:
        formats: What ``--format`` was given.
        outputs: What ``-o`` was given.
        choices: The formats that there are.

    Raises:
        UsageError: There are not as many files as formats, two formats have one file, or a file's suffix asks for
            another format than is given, or for one that there is not.
    """
    if not outputs and len(formats) < 2:
        return [(formats[0] if formats else Format.TEXT, None)]
    if not formats:
        formats = [Format.TEXT if standard(file) else format_of_file(file, choices) for file in outputs]
    if len(formats) != len(outputs):
        raise UsageError(
            f"{len(formats)} --format and {len(outputs)} -o: give an -o for each --format, '-' for standard output."
        )
    check_distinct([output for output in outputs if not standard(output)])
    for format_, file in zip(formats, outputs, strict=True):
        if not standard(file):
            check_suffix(file, format_)
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
    pairs: list[tuple[Format, Path | None]],
    make: Callable[[Format], str | bytes | RenderableType],
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
    less: str | None = None,
) -> None:
    """Write a report, a check report, a diff or a snapshot in each of its formats; see `put_all`.

    Args:
        result: What is written.
        pairs: The formats, each with its file.
        style: How pictures look.
        others: More files that are written with them.
        less: What the text says in place of everything: ``answer`` or ``statistics``.
    """
    from graphdiag.render.registry import render, to_console

    def make(format_: Format) -> str | bytes | RenderableType:
        if format_ is not Format.TEXT:
            return render(result, format_, style)
        if less is None:
            return to_console(result)
        from graphdiag.render.text import short

        return short.answer(result) if less == "answer" else short.statistics(result)

    put_all(pairs, make, others)
