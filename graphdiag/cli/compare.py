"""``graphdiag compare``: hold the layer graph against the op graph."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from graphdiag.cli.options import (
    Arguments,
    Debug,
    Entry,
    Formats,
    Graph,
    Ignore,
    InputShape,
    ModelFile,
    Outputs,
    Rankdir,
    Run,
    Select,
    ShowShapes,
    Tag,
    arguments_of,
    codes_of,
    shape_of,
)
from graphdiag.cli.progress import opening
from graphdiag.cli.writing import pairs_of, write_result
from graphdiag.picture_style import Direction, PictureStyle
from graphdiag.render.registry import Format


class FailOn(str, Enum):
    """Which layer edges make the exit status 1."""

    ARTIFACT = "artifact"
    HIDDEN = "hidden"
    MISSING = "missing"
    ANY = "any"


def compare(
    source: Annotated[
        Path,
        typer.Argument(
            help="Python file with a model, TensorBoard log directory or event file, .pb, .pbtxt, SavedModel directory,"
            " .keras, .h5, or Keras JSON."
        ),
    ],
    model: ModelFile = None,
    run: Run = None,
    tag: Tag = None,
    entry: Entry = None,
    arg: Arguments = None,
    graph: Graph = None,
    input_shape: InputShape = None,
    select: Select = None,
    ignore: Ignore = None,
    format_: Formats = None,
    output: Outputs = None,
    rankdir: Rankdir = Direction.TB,
    show_shapes: ShowShapes = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Run the graph on random inputs, to prove each verdict once more.")
    ] = False,
    fail_on: Annotated[FailOn | None, typer.Option(help="Exit with status 1 when there is such an edge.")] = None,
    debug: Debug = False,
) -> None:
    """Say which drawn edges are not in the model, why, whom to blame and what to do."""
    from graphdiag.comparison import compare as run_compare

    pairs = pairs_of(format_ or [Format.TEXT], output or [])
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
            select=codes_of(select or []),
            ignore=codes_of(ignore or []),
            verify=verify,
        )
    write_result(report, pairs, PictureStyle(rankdir, show_shapes))
    if fail_on and report.summary.met(fail_on.value):
        raise typer.Exit(1)
