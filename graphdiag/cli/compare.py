"""``graphdiag compare``: hold the layer graph against the op graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from graphdiag.cli import options
from graphdiag.cli.progress import opening
from graphdiag.cli.reading import only_read
from graphdiag.cli.watching import watching
from graphdiag.cli.writing import pairs_of, write_result
from graphdiag.errors import UsageError
from graphdiag.picture_style import Direction, PictureStyle
from graphdiag.render.registry import Format, formats_of


def _read_by(values: Mapping[str, Any]) -> Iterator[str | Path]:
    """The source, and the file with the layer graph."""
    return (values[name] for name in ("source", "model") if values[name])


@click.command(
    cls=options.CommandOnSource,
    epilog="""graphdiag compare model.py
graphdiag compare logs --model model.json -o report.html
graphdiag compare http://localhost:6006/ --run latest
graphdiag compare train.py --fail-on hidden -- --epochs 1""",
)
@click.argument(
    "source",
    type=options.SOURCE,
    help="Python file with a model, TensorBoard log directory or event file, address of a running TensorBoard, .pb,"
    " .pbtxt, SavedModel directory, .keras, .h5, or Keras JSON.",
)
@options.opening
@options.choosing
@options.report_formats
@options.style
@click.option("--verify", is_flag=True, help="Run the graph on random inputs, to prove each verdict once more.")
@click.option(
    "--fail-on",
    type=options.one_of("artifact", "hidden", "missing", "any"),
    help="Exit with status 1 when there is such an edge.",
)
@options.exit_zero
@watching(_read_by)
@options.quiet
@options.statistics
@options.common
def compare(
    source: Path | str,
    formats: tuple[Format, ...],
    outputs: tuple[Path, ...],
    rankdir: Direction,
    show_shapes: bool,
    fail_on: str | None,
    exit_zero: bool,
    less: str | None,
    **comparing: Any,
) -> int:
    """Say which drawn edges are not in the model, why, and what to do."""
    only_read(source, comparing["model"])
    from graphdiag.comparison import compare as run_compare

    pairs = pairs_of(formats, outputs, formats_of("report"))
    with opening(source):
        report = run_compare(source, **comparing)
    write_result(report, pairs, PictureStyle(rankdir, show_shapes), less=less)
    if not fail_on:
        return 0
    if report.summary.met(fail_on):
        return 0 if exit_zero else 1
    lacking = report.lacking(fail_on)
    if lacking:
        raise UsageError(f"--fail-on {fail_on}: not checked: {lacking}.")
    return 0
