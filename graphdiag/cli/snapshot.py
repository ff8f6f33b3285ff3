"""``graphdiag snapshot``: what a graph looks like, in a file to commit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from graphdiag.cli import options
from graphdiag.cli.progress import opening
from graphdiag.cli.reading import only_read


@click.command(cls=options.CommandOnSource, epilog="graphdiag snapshot model.py -o snapshot.json")
@click.argument("source", type=options.SOURCE, help="Any source that compare takes.")
@options.opening
@options.output
@options.common
def snapshot(source: Path | str, output: Path | None, **how: Any) -> None:
    """Write down what a graph looks like, in a small file to commit."""
    only_read(source, how["model"])
    from graphdiag.comparison import compare
    from graphdiag.modeldiff.take_snapshot import take
    from graphdiag.output import put

    with opening(source):
        report = compare(source, **how)
    put(take(report).to_text(), output)
