"""Where output goes: the terminal, a pipe or a file; a file is written whole or not at all."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from graphdiag.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

_STANDARD = Path("-")
_WIDTH_OF_FILES = 100


def standard(output: Path | None) -> bool:
    """Whether an ``-o`` means standard output: none was given, or it is ``-``."""
    return output is None or output == _STANDARD


def show(content: RenderableType, output: Path | None) -> None:
    """Print to the terminal; to a file or a pipe without color and without blanks at the ends of lines.

    Raises:
        UsageError: The file cannot be written.
    """
    from rich.console import Console

    if standard(output) and sys.stdout.isatty():
        Console(highlight=False, emoji=False, markup=False).print(content)
        return
    # Lines are drawn with what the reader's encoding has; a file is always UTF-8.
    if standard(output):
        _put_on_standard_output(plain(content, None, sys.stdout.encoding))
    else:
        put(plain(content), output)


def plain(content: RenderableType, width: int | None = _WIDTH_OF_FILES, encoding: str = "utf-8") -> str:
    """What rich would print, without color and without blanks at the ends of lines.

    Args:
        content: Anything that rich prints.
        width: In characters; ``None`` asks the terminal.
        encoding: Whose characters lines and trees are drawn with.
    """
    from rich.console import Console

    text = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace", newline="")
    Console(file=text, width=width, color_system=None, highlight=False, emoji=False, markup=False).print(content)
    text.seek(0)
    return "".join(f"{line.rstrip()}\n" for line in text.read().split("\n")[:-1])


def put(content: str | bytes, output: Path | None) -> None:
    """Write a whole file or none of it.

    Args:
        content: What is written; text as UTF-8, but at a terminal in its own encoding.
        output: The file; ``None`` or ``-`` for standard output.

    Raises:
        UsageError: The file cannot be written.
    """
    data = content.encode("utf-8", errors="backslashreplace") if isinstance(content, str) else content
    if standard(output):
        # XML and HTML say, and JSON demands, that they are UTF-8; only a terminal has to show them as it can.
        _put_on_standard_output(content if sys.stdout.isatty() else data)
        return
    assert output is not None
    put_files([(data, output)])


def put_files(files: Sequence[tuple[str | bytes, Path]]) -> None:
    """Write several files, each whole; none when one of them cannot be written.

    Args:
        files: The contents, text as UTF-8, and the files.

    Raises:
        UsageError: A file cannot be written.
    """
    ready: list[tuple[Path, Path]] = []
    with ExitStack() as cleaning:
        for content, output in files:
            data = content.encode("utf-8", errors="backslashreplace") if isinstance(content, str) else content
            unfinished = output.with_name(f".{output.name}.{os.getpid()}.tmp")
            cleaning.callback(unfinished.unlink, missing_ok=True)
            with _told(output):
                if output.exists() and not output.is_file():
                    # A pipe or a device takes the content as it comes; a directory says that it is one.
                    output.write_bytes(data)
                    continue
                unfinished.write_bytes(data)
            ready.append((unfinished, output))
        for unfinished, output in ready:
            with _told(output):
                os.replace(unfinished, output)


@contextmanager
def _told(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}; give another file.") from error


def _put_on_standard_output(content: str | bytes) -> None:
    try:
        if isinstance(content, bytes):
            sys.stdout.buffer.write(content)
        else:
            sys.stdout.write(content)
        sys.stdout.flush()
    except OSError as error:
        # Python must find nothing to flush when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # The reader of a broken pipe, `head` say, has seen enough.
        if not isinstance(error, BrokenPipeError):
            raise UsageError(f"standard output: cannot be written: {error.strerror}; give a file with -o.") from error
