"""``graphdiag snapshot``: what a graph looks like, in a file to commit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphdiag.cli.options import (
    Arguments,
    Debug,
    Entry,
    Graph,
    InputShape,
    ModelFile,
    Run,
    Tag,
    arguments_of,
    shape_of,
)
from graphdiag.cli.progress import opening
from graphdiag.output import put


def snapshot(
    source: Annotated[Path, typer.Argument(help="Any source that compare takes.")],
    model: ModelFile = None,
    run: Run = None,
    tag: Tag = None,
    entry: Entry = None,
    arg: Arguments = None,
    graph: Graph = None,
    input_shape: InputShape = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write to.")] = None,
    debug: Debug = False,
) -> None:
    """Write down what a graph looks like, in a small file to commit."""
    from graphdiag.comparison import compare as run_compare
    from graphdiag.modeldiff.take_snapshot import take

    with opening(source):
        report = run_compare(
            source,
            model=model,
            run=run,
            tag=tag,
            entry=entry,
            arguments=arguments_of(arg or []),
            graph=graph.value if graph else None,
            input_shape=shape_of(input_shape),
        )
    put(take(report).to_text(), output)
