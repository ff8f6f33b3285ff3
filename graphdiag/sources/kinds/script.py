"""A Python file that makes a model: the only kind whose code is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdiag.sources.opened import Opened
from graphdiag.sources.registry import SourceKind, SourceOptions

if TYPE_CHECKING:
    from graphdiag.sources.code_parts import CodePart


def _open(path: Path, options: SourceOptions) -> Opened:
    return open_code(path, options)


def open_code(
    path: Path,
    options: SourceOptions,
    parts: Sequence[CodePart] | None = None,
    names: Mapping[str, Any] | None = None,
) -> Opened:
    """Open a Python file, or the code in a file of another kind.

    Args:
        path: The file.
        options: How it is opened.
        parts: The code, where it is not the file's own text.
        names: What names stand for that the code finds without an import.

    Returns:
        What `graphdiag.sources.script.open_script` gives.
    """
    from graphdiag.sources.script import open_script

    return open_script(
        path,
        entry=options.entry,
        arguments=options.arguments or {},
        graph=options.graph or "training",
        input_shape=options.input_shape,
        script_arguments=options.script_arguments or (),
        run_to_end=bool(options.run_to_end),
        place=options.place,
        parts=parts,
        names=names or {},
    )


KIND = SourceKind(
    name="script",
    title="a Python file",
    open=_open,
    suffixes=(".py",),
    options=frozenset({"entry", "arguments", "graph", "input_shape", "script_arguments", "run_to_end"}),
)
