"""``graphdiag convert``: a saved result in other formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdiag.cli import options
from graphdiag.cli.help_page import Command
from graphdiag.cli.writing import pairs_of, write_result
from graphdiag.picture_style import Direction, PictureStyle
from graphdiag.render.registry import Format, formats_of

if TYPE_CHECKING:
    from graphdiag.results.renderable import Renderable


@click.command(cls=Command, epilog="graphdiag convert report.json -o report.html")
@click.argument("saved", type=options.PATH, help="What compare, check or diff wrote with --format json, or a snapshot.")
@options.formats_of_any("the result is")
@options.outputs
@options.style
@options.common
def convert(
    saved: Path, formats: tuple[Format, ...], outputs: tuple[Path, ...], rankdir: Direction, show_shapes: bool
) -> None:
    """Write a saved report, check, diff or snapshot in other formats, without the model."""
    result = _read(saved)
    pairs = pairs_of(formats, outputs, formats_of(result.result_type))
    write_result(result, pairs, PictureStyle(rankdir, show_shapes))


def _read(saved: Path) -> Renderable:
    """The result of a file, by the schema that its JSON names; one that names none is read as a report."""
    from graphdiag.modeldiff.saved import from_dict as to_diff
    from graphdiag.modeldiff.snapshot_file import read as read_snapshot
    from graphdiag.results.check_document import from_dict as to_check
    from graphdiag.results.document import from_dict as to_report
    from graphdiag.results.document import read_json

    document = read_json(saved)
    schema = document.get("schema") if isinstance(document, dict) else None
    family = schema.partition("/")[0] if isinstance(schema, str) else ""
    if family == "graphdiag.check":
        return to_check(document, str(saved))
    if family == "graphdiag.diff":
        return to_diff(document, str(saved))
    if family == "graphdiag.snapshot":
        return read_snapshot(saved)
    return to_report(document, str(saved))
