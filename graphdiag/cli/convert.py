"""``graphdiag convert``: a saved report in other formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphdiag.cli.options import Debug, Formats, Outputs, Rankdir, ShowShapes
from graphdiag.cli.writing import pairs_of, write_result
from graphdiag.picture_style import Direction, PictureStyle
from graphdiag.render.registry import Format


def convert(
    saved: Annotated[Path, typer.Argument(help="Report that compare wrote with --format json.")],
    format_: Formats = None,
    output: Outputs = None,
    rankdir: Rankdir = Direction.TB,
    show_shapes: ShowShapes = False,
    debug: Debug = False,
) -> None:
    """Write a saved report in other formats, without the model."""
    from graphdiag.results.document import read

    pairs = pairs_of(format_ or [Format.TEXT], output or [])
    write_result(read(saved), pairs, PictureStyle(rankdir, show_shapes))
