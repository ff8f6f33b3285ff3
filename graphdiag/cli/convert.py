"""``graphdiag convert``: a saved report in other formats."""

from __future__ import annotations

from pathlib import Path

import click

from graphdiag.cli import options
from graphdiag.cli.writing import pairs_of, write_result
from graphdiag.picture_style import Direction, PictureStyle
from graphdiag.render.registry import Format


@click.command()
@click.argument("saved", type=options.PATH, help="Report that compare wrote with --format json.")
@options.report_formats
@options.style
@options.debug
def convert(
    saved: Path, formats: tuple[Format, ...], outputs: tuple[Path, ...], rankdir: Direction, show_shapes: bool
) -> None:
    """Write a saved report in other formats, without the model."""
    from graphdiag.results.document import read

    pairs = pairs_of(formats, outputs)
    write_result(read(saved), pairs, PictureStyle(rankdir, show_shapes))
