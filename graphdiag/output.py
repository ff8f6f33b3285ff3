"""Where output goes: the terminal, a pipe or a file; a file is written whole or not at all."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from graphdiag.errors import UsageError
from graphdiag.standard_streams import failure
from graphdiag.written_files import descriptor_of, placing

if TYPE_CHECKING:
    from rich.console import RenderableType

_STANDARD = Path("-")
_WIDTH_OF_FILES = 100


def standard(output: Path | None) -> bool:
    """Whether an ``-o`` means standard output: none was given, it is ``-``, or it is a name of it: ``/dev/stdout``."""
    return output is None or output == _STANDARD or descriptor_of(output) == 1


def show(content: RenderableType, output: Path | None) -> None:
    """Print to the terminal; to a file or a pipe without color and without blanks at the ends of lines.

    Raises:
        UsageError: The file cannot be written.
    """
    from rich.console import Console

    if standard(output) and sys.stdout.isatty():
        Console(highlight=False, emoji=False, markup=False).print(content)
        check_standard_output()
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
    if standard(output):
        # XML and HTML say, and JSON demands, that they are UTF-8; only a terminal has to show them as it can.
        _put_on_standard_output(content if sys.stdout.isatty() else _encoded(content))
        return
    assert output is not None
    with putting([(content, output)]):
        pass


def putting(files: Sequence[tuple[str | bytes, Path]]) -> AbstractContextManager[None]:
    """Write several files, each whole; none when one of them cannot be written, or when the block raises.

    Args:
        files: The contents, text as UTF-8, and the files.

    Returns:
        What `graphdiag.written_files.placing` gives: the files are in their places when the block has ended.
    """
    return placing([(_encoded(content), output) for content, output in files])


def _encoded(content: str | bytes) -> bytes:
    return content.encode("utf-8", errors="backslashreplace") if isinstance(content, str) else content


def _put_on_standard_output(content: str | bytes) -> None:
    if isinstance(content, bytes):
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
    else:
        sys.stdout.write(content)
    check_standard_output()


def check_standard_output() -> None:
    """Write out what standard output still holds.

    Raises:
        UsageError: It has not all arrived.
    """
    error = failure(sys.stdout)
    if error is not None:
        raise UsageError(f"standard output: cannot be written: {error.strerror}; give a file with -o.") from error
