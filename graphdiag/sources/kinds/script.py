"""A Python file that makes a model: the only kind whose code is run."""

from __future__ import annotations

from pathlib import Path

from graphdiag.sources.opened import Opened
from graphdiag.sources.registry import SourceKind, SourceOptions


def _open(path: Path, options: SourceOptions) -> Opened:
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
    )


KIND = SourceKind(
    name="script",
    title="a Python file",
    open=_open,
    suffixes=(".py",),
    options=frozenset({"entry", "arguments", "graph", "input_shape", "script_arguments", "run_to_end"}),
)
